package status

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/prose"
)

// labelWidth is the column of the words before the facts of a service.
const labelWidth = 11

// Fact is a labelled text about a service. One without a label goes on about that of the
// fact before it.
type Fact struct {
	Label, Text string
	paint
}

// sheet is what is shown of one service before its workers.
type sheet struct {
	Style
	lines []string
}

// add adds a labelled text, folded below itself.
func (t *sheet) add(f Fact) {
	most := 0
	if t.Width > 0 {
		most = max(20, t.Width-labelWidth-2)
	}
	label := f.Label
	for _, line := range prose.Fold(f.Text, most) {
		t.lines = append(t.lines, strings.TrimRight(fmt.Sprintf("  %-*s", labelWidth, label)+t.paint(line, f.paint), " "))
		label = ""
	}
}

// WriteWorkers shows one service: what matters most on top, as watch(1) and
// head(1) show the top, then its workers, oldest first. now is the moment of the
// answer.
func WriteWorkers(w io.Writer, s Service, now time.Time, st Style) error {
	t := &sheet{Style: st}
	t.lines = append(t.lines, st.paint(s.Name, title))
	t.add(Fact{"workers", numbers(s), plain})
	barWidth := 80
	if st.Width > 0 {
		barWidth = st.Width
	}
	t.lines = append(t.lines, strings.Repeat(" ", labelWidth+2)+bar(s, min(barWidth, 120)-labelWidth-2, st))
	for _, f := range Facts(s, now) {
		t.add(f)
	}
	return write(w, append(t.lines, workers(s).lines(st)...))
}

// Facts are what people are to know of a service besides its numbers, what matters most
// first: its conditions, its sockets, what it has needed. now is the moment of the answer.
func Facts(s Service, now time.Time) []Fact {
	var all []Fact
	say := func(label, text string, p paint) { all = append(all, Fact{label, text, p}) }
	for i, c := range conditions(s) {
		label, text := "", c.String()
		if i == 0 {
			label = "condition"
		}
		if c.word == "THROTTLED" && s.ThrottleReason != nil {
			text += ": " + *s.ThrottleReason
		}
		say(label, text, c.paint)
	}
	if len(s.Set) > 0 {
		say("set", setText(s.Set), warn)
	}
	for _, sock := range s.Sockets {
		text, p := fmt.Sprintf("%s %s, queue %s of %s", sock.Name, sock.Address, count(sock.Queue), count(sock.Backlog)), plain
		if oldest := sock.waits(); oldest != "-" && oldest != "?" {
			text += ", oldest " + oldest
		}
		if sock.Drops != nil && *sock.Drops > 0 {
			text += fmt.Sprintf(", %d dropped", *sock.Drops)
		}
		if sock.overflows() {
			p = bad
		}
		say("socket", text, p)
		if sock.Fault != nil {
			say("", FaultText(*sock.Fault), bad)
		}
	}
	if s.Template != nil {
		say("template", templateText(*s.Template), plain)
	}
	say("24 hours", demandText(s), plain)
	if f := s.LastFailure; f != nil {
		say("failure", failureText(*f, now), plain)
	}
	for _, warning := range s.Warnings {
		say("warning", warning, warn)
	}
	say("availd", fmt.Sprintf("%s, %s, pid %d, for %s", s.Version, s.Protocol, s.MainPID, age(now.Sub(s.StartedAt))), plain)
	return all
}

// numbers are those that are not 0, and the limit.
func numbers(s Service) string {
	words := fmt.Sprintf("%v busy, %v idle", s.Busy, s.Idle)
	for _, p := range parts(s)[2:] {
		if p.n > 0 {
			words += fmt.Sprintf(", %d %s", p.n, p.word)
		}
	}
	words += ", limit " + limit(s.Limit)
	if configured, isSet := ConfiguredLimit(s.Set); isSet {
		words += " (" + configured + " configured)"
	}
	return words
}

func workersText(n int) string {
	if n == 1 {
		return "1 worker"
	}
	return fmt.Sprintf("%d workers", n)
}

func demandText(s Service) string {
	d := s.Demand
	text := "peak demand " + workersText(d.Peak)
	if d.FullSeconds > 0 {
		text += fmt.Sprintf("; full for %s", age(time.Duration(d.FullSeconds*float64(time.Second))))
	}
	if d.AdvisedLimit != nil {
		text += fmt.Sprintf("; limit=%d would have sufficed", *d.AdvisedLimit)
	}
	return text
}

func templateText(m Template) string {
	text := fmt.Sprintf("pid %d, for %s", m.PID, age(seconds64(m.AgeSeconds)))
	if !m.Ready {
		return text + ", loading"
	}
	text += fmt.Sprintf(", %d forks", m.Forks)
	if m.LastFork != nil && m.MeanFork != nil {
		text += fmt.Sprintf(" of %.1f ms, the last %.1f ms", 1e3**m.MeanFork, 1e3**m.LastFork)
	}
	if m.WorkerMemory != nil && m.WorkerPrivate != nil && m.WorkerShared != nil {
		const megabyte = 1e6
		text += fmt.Sprintf("; a worker takes %.1f MB, %.1f of its own and its share of %.1f",
			float64(*m.WorkerMemory)/megabyte, float64(*m.WorkerPrivate)/megabyte, float64(*m.WorkerShared)/megabyte)
	}
	return text
}

func seconds64(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

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
	head := texts("PID", "GEN", "STATE", "FOR", "REQUESTS", "AGE", "MEM", "NOTE", "STATUS")
	for i := range head {
		head[i].paint = title
	}
	g.add(head)
	paints := map[string]paint{}
	for _, p := range parts(s) {
		paints[p.word] = p.paint
	}
	for _, k := range s.Workers {
		r := texts(strconv.Itoa(k.PID), strconv.FormatUint(k.Generation, 10), k.State, busyFor(k.BusySeconds), optional(k.Requests),
			age(time.Duration(k.AgeSeconds*float64(time.Second))), memory(k.Memory), note(k), k.Status)
		r[2].paint = paints[k.State]
		g.add(r)
	}
	return g
}

// busyFor is for how long a worker is at its request.
func busyFor(s *float64) string {
	if s == nil {
		return "-"
	}
	d := seconds64(*s)
	if d < time.Minute { // what is short is told exactly, as what takes long is looked for
		return fmt.Sprintf("%.1fs", d.Seconds())
	}
	return age(d)
}

// memory is a number of bytes for people, in the units that options take.
func memory(n *int64) string {
	switch {
	case n == nil:
		return "-"
	case *n >= 1<<30:
		return fmt.Sprintf("%.1fG", float64(*n)/(1<<30))
	default:
		return fmt.Sprintf("%.1fM", float64(*n)/(1<<20))
	}
}

// Note is what is special about a worker, in words.
func (w *Worker) Note() (words []string) {
	if w.Stress {
		words = append(words, "stress")
	}
	if w.Adopted {
		words = append(words, "adopted")
	}
	return words
}

func note(w Worker) string {
	if words := w.Note(); words != nil {
		return strings.Join(words, ",")
	}
	return "-"
}
