package top

import (
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/status"
)

// This file has the list of the workers, and what there is to say of one.

// notBusy is the busyFor of a worker that is at no request, or of which nobody knows it.
const notBusy = time.Duration(-1)

// busyFor is how long a worker has been at its request.
func busyFor(w status.Worker) time.Duration {
	if w.BusySeconds == nil {
		return notBusy
	}
	return seconds(*w.BusySeconds)
}

// mostService is how wide the name of the service may get beside its worker.
const mostService = 16

// mostStatus is how much a worker's own words may take.
const mostStatus = 200

// workerTable is the list, of which lines are shown, around the selected one.
func workerTable(p Picture, v View, lines int) []string {
	all := v.workers(p)
	if len(all) == 0 || lines < 2 {
		return nil
	}
	at := v.place(all)
	shown := lines - 1 // one is for the titles
	first := 0
	if at >= shown {
		first = min(at-shown/2, len(all)-shown)
	}
	t := &table{columns: []column{
		{title: "", least: 1},
		{title: "SERVICE", need: 5, least: leastName, most: mostService},
		{title: "PID", right: true},
		{title: "GEN", right: true, need: 7},
		{title: "STATE"},
		{title: "FOR", right: true, least: 6},
		{title: "AGE", right: true, need: 4, least: 6},
		{title: "REQUESTS", right: true, need: 3},
		{title: "STATUS", need: 6, least: 6, most: mostStatus},
	}}
	if v.Only != "" {
		t.columns = append(t.columns[:1:1], t.columns[2:]...)
	}
	for i := first; i < min(first+shown, len(all)); i++ {
		r := workerRow(p, all[i], i == at)
		if v.Only != "" {
			r = append(r[:1:1], r[2:]...)
		}
		t.rows = append(t.rows, r)
	}
	return t.lines(v, v.Width)
}

func workerRow(p Picture, r row, selected bool) []cell {
	mark := ""
	if selected {
		mark = ">"
	}
	paint := status.Plain
	if e := p.entry(r.service); e != nil && e.Now != nil {
		paint = status.StateTone(e.Now, r.State)
	}
	return []cell{
		{text: mark},
		{text: r.service},
		{text: strconv.Itoa(r.PID)},
		{text: strconv.FormatUint(r.Generation, 10)},
		{text: r.State, paint: paint},
		{text: forText(r)},
		{text: status.Age(seconds(r.AgeSeconds))},
		{text: number(r.Requests)},
		{text: strings.TrimSpace(note(r.Worker) + " " + r.Status)},
	}
}

func forText(r row) string {
	if r.busyFor == notBusy {
		return "-"
	}
	return short(r.busyFor)
}

func note(w status.Worker) string {
	if words := w.Note(); words != nil {
		return "[" + strings.Join(words, ", ") + "]"
	}
	return ""
}

// details is all that is known of the selected worker.
func details(p Picture, v View) []string {
	all := v.workers(p)
	at := v.place(all)
	if at < 0 || len(all) == 0 {
		return []string{v.cut("The worker has exited. Enter shows the list.", v.Width)}
	}
	r := all[at]
	var lines []string
	fact := func(name, text string) {
		if text != "" {
			lines = append(lines, name+strings.Repeat(" ", label-len(name))+v.cut(text, max(1, v.Width-label)))
		}
	}
	fact("worker", r.service+", pid "+strconv.Itoa(r.PID)+", generation "+strconv.FormatUint(r.Generation, 10))
	fact("state", r.State+since(r))
	if r.Doing != nil {
		fact("doing", *r.Doing)
	}
	fact("age", status.Age(seconds(r.AgeSeconds)))
	fact("requests", number(r.Requests))
	fact("note", note(r.Worker))
	fact("status", r.Status)
	return lines
}

func since(r row) string {
	if r.busyFor == notBusy {
		return ""
	}
	return " for " + short(r.busyFor)
}
