package top

import (
	"strings"
	"time"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

// The smallest screen that something is shown on.
const leastWidth, leastHeight = 26, 4

// Screen is the picture as lines: Height of them at most, none wider than Width-1, as some
// terminals begin a new line when the last column is written. They hold no control
// character but, with Color, those of ECMA-48 for colours.
func Screen(p Picture, v View) []string {
	v.Width--
	if v.Width < leastWidth-1 || v.Height < leastHeight {
		return []string{v.cut("too small", max(1, v.Width))}
	}
	if v.help {
		return fill(head(p, v), v, help(v))
	}
	body := v.Height - 2 // less head and foot
	var above, below []string
	if v.Only != "" {
		above = service(p, v)
	} else {
		above = services(p, v, max(2, body/2))
	}
	if len(p.Entries) == 0 {
		above = []string{v.cut("No services of availd are running.", v.Width)}
	}
	above = above[:min(len(above), body)]
	switch rest := body - len(above) - 1; { // a blank line
	case v.details:
		below = details(p, v)
	case rest > 0:
		below = workerTable(p, v, rest)
	}
	if len(below) > 0 {
		above = append(append(above, ""), below...)
	}
	return fill(head(p, v), v, above)
}

// fill puts the lines between the head and the keys, which are in the last line.
func fill(head string, v View, body []string) []string {
	lines := append([]string{head}, body[:min(len(body), v.Height-2)]...)
	for len(lines) < v.Height-1 {
		lines = append(lines, "")
	}
	return append(lines, v.cut(keys(v), v.Width))
}

// head is the first line.
func head(p Picture, v View) string {
	left := "availd top"
	switch {
	case v.Only != "":
		left += "  " + v.Only
	case len(p.Entries) == 1:
		left += "  1 service"
	default:
		left += "  " + itoa(len(p.Entries)) + " services"
	}
	right := p.At.Local().Format(time.TimeOnly)
	if v.paused {
		right = "PAUSED at " + right
	}
	left = v.cut(left, max(1, v.Width-prose.Width(right)-1))
	space := strings.Repeat(" ", max(1, v.Width-prose.Width(left)-prose.Width(right)))
	if v.paused {
		return v.style().Paint(left, status.Heading) + space + v.style().Paint(right, status.Warn)
	}
	return v.style().Paint(left, status.Heading) + space + right
}

// keys are those that matter most, as many as fit.
func keys(v View) string {
	order := orders[v.sort].name
	if v.reverse {
		order += ", reversed"
	}
	words := []string{"q quit", "h help", "p pause", "s sort: " + order, "n next service", "Up/Down select", "Enter details"}
	if v.help {
		words = []string{"any key: back"}
	}
	text := ""
	for _, w := range words {
		if prose.Width(text)+2+prose.Width(w) > v.Width {
			break
		}
		if text != "" {
			text += "  "
		}
		text += w
	}
	return text
}

// help is about keys and columns.
func help(v View) (lines []string) {
	for _, l := range []string{
		"", "q, Ctrl-C   quit", "p, Space    pause, go on", "s, S        sort by the next, the previous of: for, age, requests, state, pid", "r           the other way round",
		"Up, Down    select a worker (also k and j, PageUp, PageDown, Home, End)", "Enter, d    details of the worker, and back", "n, a        next service, all services",
		"Ctrl-L      draw the screen again", "",
		"#  busy   =  idle   +  starting   -  retiring   ?  unknown   .  free",
		"OLDEST      how long the client has waited that has waited for longest", "REQ/S       requests that were finished in the last second",
		"P50, P99    within this time half, 99 of 100 of them were finished", "FOR         how long the worker has been at its request", "-           not measured, or none",
	} {
		lines = append(lines, v.cut(l, v.Width))
	}
	return lines
}
