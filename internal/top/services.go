package top

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/status"
)

// This file has the part above the workers: all services, one a line, or what there is to
// say of one.

// Widths of columns that are wider where there is room.
const (
	leastName, mostName           = 8, 24
	leastBar, mostBar             = 12, 40
	leastCondition, mostCondition = 8, 60
)

// services is the table of all services, of at most so many lines.
func services(p Picture, v View, lines int) []string {
	entries := p.Entries
	left := 0
	if most := max(1, lines-1); len(entries) > most { // a line for the titles
		entries = slices.Clone(entries)
		slices.SortStableFunc(entries, func(a, b Entry) int { return cmp.Compare(urgency(a), urgency(b)) })
		left = len(entries) - (most - 1) // and one for how many are left out
		entries = entries[:most-1]
	}
	t := &table{columns: []column{
		{title: "NAME", least: leastName, most: mostName},
		{title: "", need: 7, least: leastBar, most: mostBar},
		{title: "BUSY", right: true},
		{title: "IDLE", right: true, need: 3},
		{title: "LIMIT", right: true, need: 1},
		{title: "QUEUE", right: true, need: 2},
		{title: "OLDEST", right: true, need: 5},
		{title: "REQ/S", right: true, need: 4},
		{title: "P50", right: true, need: 8, least: 5},
		{title: "P99", right: true, need: 6, least: 5},
		{title: "CONDITION", least: leastCondition, most: mostCondition},
	}}
	for _, e := range entries {
		t.rows = append(t.rows, serviceRow(e, p, v))
	}
	all := t.lines(v, v.Width)
	if left > 0 {
		all = append(all, v.cut("… and "+strconv.Itoa(left)+" more; n shows one after the other", v.Width))
	}
	return all
}

// urgency is lower for services that have to be seen: those with a condition, then the busy
// ones.
func urgency(e Entry) int {
	switch {
	case e.Now != nil && troubled(e.Now):
		return -3 << 24
	case e.Now == nil && e.Why != gone:
		return -2 << 24
	case e.Now == nil:
		return -1 << 24
	}
	return -e.Now.Busy.Known()
}

func troubled(s *status.Service) bool {
	_, paint := status.Summary(s, false)
	return paint == status.Bad || paint == status.Warn
}

func serviceRow(e Entry, p Picture, v View) []cell {
	text, paint := condition(e, p, v, false)
	s := e.Now
	if s == nil {
		blank := cell{text: "-"}
		return []cell{{text: e.Name}, {draw: func(w int) string { return strings.Repeat(" ", w) }}, blank, blank, blank, blank, blank, blank, blank, blank, {text: text, paint: paint}}
	}
	rate, known := e.rate()
	times := e.times()
	return []cell{
		{text: e.Name},
		{draw: func(w int) string { return bar(s, v, w) }},
		{text: s.Busy.String()},
		{text: s.Idle.String()},
		{text: status.LimitCell(s)},
		{text: s.QueueText()},
		{text: s.OldestText()},
		{text: rateText(rate, known)},
		{text: quantileText(times, 0.5)},
		{text: quantileText(times, 0.99)},
		{text: text, paint: paint},
	}
}

// bar is as wide as it is asked to be.
func bar(s *status.Service, v View, width int) string {
	drawn := status.Bar(s, width, v.style())
	cells := len(status.Bar(s, width, status.Style{})) // without colours
	return drawn + strings.Repeat(" ", max(0, width-cells))
}

// condition says how a service is.
func condition(e Entry, p Picture, v View, times bool) (string, status.Tone) {
	since := p.At.Sub(e.Since)
	switch {
	case e.Now == nil && e.Why == gone:
		return "GONE " + status.Age(since), status.Bad
	case e.Now == nil:
		return "SILENT " + status.Age(since) + ": " + e.Why, status.Bad
	}
	text, paint := status.Summary(e.Now, times)
	if e.Back {
		text = "BACK " + status.Age(since) + ", " + text
	}
	return text, paint
}

// label is the width of the words before the facts of one service.
const label = 11

// service is what there is to say of the one that is shown.
func service(p Picture, v View) []string {
	e := p.entry(v.Only)
	if e == nil {
		return []string{v.cut(v.Only+" is not running", v.Width)}
	}
	var lines []string
	fact := func(name, text string, paint status.Tone) {
		text = v.cut(text, max(1, v.Width-label))
		lines = append(lines, strings.TrimRight(name+strings.Repeat(" ", label-len(name))+v.style().Paint(text, paint), " "))
	}
	text, paint := condition(*e, p, v, true)
	if e.Now == nil {
		fact("condition", text, paint)
		return lines
	}
	s := e.Now
	fact("workers", status.Numbers(s), status.Plain)
	lines = append(lines, strings.TrimRight(strings.Repeat(" ", label)+bar(s, v, max(leastBar, v.Width-label)), " "))
	fact("condition", text, paint)
	if set := status.SetText(s); set != "" {
		fact("set", set, status.Warn)
	}
	fact("queue", s.QueueText()+" waiting, the oldest for "+s.OldestText(), status.Plain)
	rate, known := e.rate()
	times := e.times()
	fact("requests", rateText(rate, known)+" a second, p50 "+quantileText(times, 0.5)+", p99 "+quantileText(times, 0.99)+
		", "+number(s.Counters.Requests)+" in all", status.Plain)
	fact("availd", s.Version+", "+s.Protocol+", pid "+strconv.Itoa(s.MainPID)+", for "+status.Age(p.At.Sub(s.StartedAt).Round(time.Second)), status.Plain)
	return lines
}
