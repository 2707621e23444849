// Package page shows a service to a browser: one HTML page that needs nothing else, with the
// condition, what it was like in the last hour and day, its workers and the latest messages.
// It also draws the chart alone, as SVG.
//
// What a page says comes from packages status, history and event: here it is only put in
// place. Texts of workers, sockets and messages may be anybody's; html/template escapes them.
// There is no script, and [Policy] has the browser refuse any, and everything that is not in
// the page.
//
// Nothing is done before the first page is asked for: most availds are never asked.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
)

//go:embed page.html
var source string

//go:embed style.css
var styleSource string

//go:embed chart.css
var chartStyle string

// ContentType is what HTTP says of a page.
const ContentType = "text/html; charset=utf-8"

var page = sync.OnceValue(func() *template.Template { return template.Must(template.New("page").Parse(source)) })

func style() string { return styleSource }

// Policy is the Content-Security-Policy of a page: its own style, by its hash, the icon in
// it, and nothing else.
var Policy = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte(style()))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
})

// maxRows is how many workers a page shows.
const maxRows = 200

// view is what the template is given.
type view struct {
	Style   template.CSS
	Service *status.Service
	Unit    string
	At      string

	Conditions []condition
	Tone       status.Tone // of the worst
	Icon       string      // its colour
	Tiles      []tile
	Bar        template.HTML
	Legend     []status.Part
	Facts      []status.Fact
	Panels     []panel

	Head    []status.Cell
	Rows    [][]status.Cell
	Missing int // rows that are not shown
	Events  []message
}

type condition struct {
	status.Condition
	Advice []run
}

// run is a piece of a text; Code is a name or a command.
type run struct {
	Text string
	Code bool
}

// tile is a number that is seen from afar.
type tile struct{ Value, Of, Label string }

// panel is the plots of a span.
type panel struct {
	Title string
	Plots []shownPlot
	Ticks []string
}

type shownPlot struct {
	Title, Says, High, Middle string
	Legend                    []string
	Large                     bool
	Box                       template.HTML
}

// message is an event, with what the table of messages says about it.
type message struct {
	history.Event
	Clock string
	About []run
}

// Render makes a page.
func Render(s *status.Service, d *history.Document) ([]byte, error) {
	v := view{
		Style: template.CSS(style()), Service: s, At: d.At.Local().Format("2006-01-02 15:04:05 MST"),
		Conditions: conditions(s), Bar: template.HTML(bar(s)), Legend: status.Parts(*s), Facts: status.Facts(*s, d.At),
		Panels: []panel{shown("Last hour", &d.Hour), shown("Last 24 hours", &d.Day)}, Tiles: tiles(s, d),
	}
	if s.Unit != nil {
		v.Unit = *s.Unit
	}
	v.Tone, v.Icon = worst(v.Conditions)
	if table := status.WorkerTable(*s); len(table) > 0 {
		v.Head, v.Rows = table[0], table[1:]
		v.Missing = max(0, len(v.Rows)-maxRows)
		v.Rows = v.Rows[:len(v.Rows)-v.Missing]
	}
	for _, e := range d.Events {
		v.Events = append(v.Events, about(e, d.At))
	}
	var b bytes.Buffer
	err := page().Execute(&b, v)
	return b.Bytes(), err
}

// worst is the tone of the page, and the colour of its icon.
func worst(all []condition) (status.Tone, string) {
	tone, colour := status.Good, "2f9e63"
	for _, c := range all {
		switch {
		case c.Tone == status.Bad:
			return status.Bad, "d6402f"
		case c.Tone == status.Warn:
			tone, colour = status.Warn, "d98a10"
		case c.Tone == status.Going && tone == status.Good:
			tone, colour = status.Going, "8b5cf6"
		}
	}
	return tone, colour
}

func conditions(s *status.Service) []condition {
	var all []condition
	for _, c := range status.Conditions(*s) {
		all = append(all, condition{c, advice(c.Word, s)})
	}
	return all
}

// advice is what to do about a condition, in the words of the message about it.
func advice(word string, s *status.Service) []run {
	said := map[string]*event.Message{
		"FULL": event.Full, "OVERFLOW": event.Full, "WAITING": event.NoneAccepted, "STRESS": event.StressBegins, "THROTTLED": event.Throttled,
		"SOCKET DOWN": event.SocketDead,
	}[word]
	if f := s.Faulty(); word == "SOCKET DOWN" && f != nil && *f.Fault == status.PathGone {
		said = event.PathGone
	}
	if said == nil {
		return nil
	}
	return runs(said.Do)
}

// runs takes a text of the table apart: names and commands are between backticks.
func runs(text string) []run {
	var all []run
	for i, part := range strings.Split(text, "`") {
		if part != "" {
			all = append(all, run{part, i%2 == 1})
		}
	}
	return all
}

func about(e history.Event, now time.Time) message {
	m := message{Event: e, Clock: e.At.Local().Format(time.TimeOnly)}
	if now.Sub(e.At) > 20*time.Hour {
		m.Clock = e.At.Local().Format("Jan 2 15:04")
	}
	if said := event.Find(e.Event, e.Reason); said != nil {
		m.About = runs(strings.TrimSpace(said.Means + " " + said.Do))
	}
	return m
}

func tiles(s *status.Service, d *history.Document) []tile {
	of := "no limit"
	if s.Limit > 0 {
		of = "of " + s.LimitText()
	}
	all := []tile{
		{s.Busy.String(), of, "busy"}, {s.Idle.String(), "", "idle"}, {s.QueueText(), "", "waiting"}, {s.OldestText(), "", "longest wait"},
	}
	if r := d.Hour.Rate.Mean; len(r) > 1 && r[len(r)-2] == r[len(r)-2] {
		all = append(all, tile{number(float64(r[len(r)-2])), "", "requests/s"})
	}
	return append(all, tile{s.RequestsText(), "", "requests"})
}

// bar shows how much of the limit is taken.
func bar(s *status.Service) string {
	all := status.Parts(*s)
	whole := s.Limit
	sum := 0
	for _, p := range all {
		sum += p.Number
	}
	whole = max(whole, sum, 1)
	var b strings.Builder
	b.WriteString(`<svg class="bar" viewBox="0 0 ` + strconv.Itoa(whole) + ` 1" preserveAspectRatio="none" role="img" aria-label="workers">`)
	x := 0
	for _, p := range all {
		if p.Number > 0 {
			b.WriteString(`<rect class="` + p.State + `" x="` + strconv.Itoa(x) + `" y="0" width="` + strconv.Itoa(p.Number) + `" height="1"/>`)
			x += p.Number
		}
	}
	b.WriteString(`</svg>`)
	return b.String()
}

func shown(title string, s *history.Span) panel {
	p := panel{Title: title, Ticks: ticks(s)}
	for i, one := range plots(s) {
		more := ""
		if i == 0 {
			more = hints(s)
		}
		shown := shownPlot{Title: one.title, Says: one.says, High: one.high, Middle: one.middle, Legend: one.legend, Large: i == 0}
		if !one.known {
			shown.Says = "not known"
		}
		shown.Box = template.HTML(one.box(`class="plot" role="img" aria-label="`+strings.ToLower(one.title)+`"`, more))
		p.Plots = append(p.Plots, shown)
	}
	return p
}
