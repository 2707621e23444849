package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/columns"
)

// labelWidth is the column of the words before the facts of a service.
const labelWidth = 11

// sheet is what is shown of one service before its workers.
type sheet struct {
	Style
	lines []string
}

// fact adds a labelled text, folded below itself.
func (t *sheet) fact(label, text string, p paint) {
	most := 0
	if t.Width > 0 {
		most = max(20, t.Width-labelWidth-2)
	}
	for _, line := range columns.Fold(text, most) {
		t.lines = append(t.lines, strings.TrimRight(fmt.Sprintf("  %-*s", labelWidth, label)+t.paint(line, p), " "))
		label = ""
	}
}

// WriteWorkers shows one service: what matters most on top, as watch(1) and
// head(1) show the top, then its workers, oldest first. now is the moment of the
// answer.
func WriteWorkers(w io.Writer, s Service, now time.Time, st Style) error {
	t := &sheet{Style: st}
	t.lines = append(t.lines, st.paint(s.Name, title))
	t.fact("workers", numbers(s), plain)
	barWidth := 80
	if st.Width > 0 {
		barWidth = st.Width
	}
	t.lines = append(t.lines, strings.Repeat(" ", labelWidth+2)+bar(s, min(barWidth, 120)-labelWidth-2, st))
	for i, c := range conditions(s) {
		label, text := "", c.String()
		if i == 0 {
			label = "condition"
		}
		if c.word == "THROTTLED" && s.ThrottleReason != nil {
			text += ": " + *s.ThrottleReason
		}
		t.fact(label, text, c.paint)
	}
	for _, sock := range s.Sockets {
		t.fact("socket", fmt.Sprintf("%s %s, queue %s of %s", sock.Name, sock.Address, count(sock.Queue), count(sock.Backlog)), plain)
	}
	t.fact("24 hours", demandText(s), plain)
	if f := s.LastFailure; f != nil {
		t.fact("failure", failureText(*f, now), plain)
	}
	for _, warning := range s.Warnings {
		t.fact("warning", "the limit cannot be reached: "+warning, warn)
	}
	t.fact("availd", fmt.Sprintf("%s, %s, pid %d, for %s", s.Version, s.Protocol, s.MainPID, age(now.Sub(s.StartedAt))), plain)
	return write(w, append(t.lines, workers(s).lines(st)...))
}

// numbers are those that are not 0, and the limit.
func numbers(s Service) string {
	words := fmt.Sprintf("%d busy, %d idle", s.Busy, s.Idle)
	for _, p := range parts(s)[2:] {
		if p.n > 0 {
			words += fmt.Sprintf(", %d %s", p.n, p.word)
		}
	}
	return words + ", limit " + limit(s.Limit)
}

func demandText(s Service) string {
	d := s.Demand
	text := fmt.Sprintf("at most %d busy or waited for", d.Peak)
	if d.FullSeconds > 0 {
		text += fmt.Sprintf("; full for %s", age(time.Duration(d.FullSeconds*float64(time.Second))))
	}
	if d.AdvisedLimit != nil {
		text += fmt.Sprintf("; --limit=%d would have covered that", *d.AdvisedLimit)
	}
	return text
}

func failureText(f Failure, now time.Time) string {
	how := "a worker ended badly"
	switch {
	case f.Signal != nil:
		how = fmt.Sprintf("a worker was killed by signal %d", *f.Signal)
	case f.Exit != nil:
		how = fmt.Sprintf("a worker exited with status %d", *f.Exit)
	}
	return fmt.Sprintf("%s, %s ago at %s", how, age(now.Sub(f.At)), clock(f.At))
}

func workers(s Service) *grid {
	g := &grid{indent: "  "}
	if len(s.Workers) == 0 {
		return g
	}
	head := texts("PID", "GEN", "STATE", "REQUESTS", "AGE", "NOTE", "STATUS")
	for i := range head {
		head[i].paint = title
	}
	g.add(head)
	paints := map[string]paint{}
	for _, p := range parts(s) {
		paints[p.word] = p.paint
	}
	for _, k := range s.Workers {
		r := texts(strconv.Itoa(k.PID), strconv.FormatUint(k.Generation, 10), k.State, optional(k.Requests),
			age(time.Duration(k.AgeSeconds*float64(time.Second))), note(k), k.Status)
		r[2].paint = paints[k.State]
		g.add(r)
	}
	return g
}

// note is what is special about a worker.
func note(k Worker) string {
	var words []string
	if k.Stress {
		words = append(words, "stress")
	}
	if k.Adopted {
		words = append(words, "adopted")
	}
	if words == nil {
		return "-"
	}
	return strings.Join(words, ",")
}
