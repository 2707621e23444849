package page

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
)

// plot is one diagram over the time of a span: areas and lines in a box that is as wide as
// there are steps and high high, for whoever shows it to stretch.
type plot struct {
	title  string
	says   string // what is most worth knowing of it
	steps  int
	marks  []mark
	legend []string // classes of the marks that have to be told apart
	high   string   // the label at the top
	middle string   // half way up; "" = none
	known  bool     // something of it is
}

// height is that of the box.
const height = 1000

// mark is an area, or a line, of a series.
type mark struct {
	class string
	path  string
}

// series is a row of values with how it is called and shown.
type series struct {
	class  string
	values history.Values
}

// plots are the diagrams of a span. Text in them is made of numbers alone.
func plots(s *history.Span) []plot {
	return []plot{workersPlot(s), queuePlot(s), waitPlot(s), ratePlot(s)}
}

// states are the series of the workers as they are stacked, from below.
func states(s *history.Span) []series {
	return []series{
		{"busy", s.Busy.Mean}, {"retiring", s.Retiring.Mean}, {"starting", s.Starting.Mean}, {"unknown", s.Unknown.Mean}, {"idle", s.Idle.Mean},
	}
}

func workersPlot(s *history.Span) plot {
	p := plot{title: "Workers", steps: s.Len()}
	sum := unknown(s.Len())
	var stacked []series
	for _, one := range states(s) {
		sum = stack(sum, one.values)
		stacked = append(stacked, series{one.class, sum})
	}
	busy, limit := largest(s.Busy.Max), largest(s.Limit.Max)
	most := max(largest(sum), busy)
	top := nice(most)
	if limit > 0 && limit <= 5*max(most, 1) {
		top = max(limit, most)
	}
	p.marks = []mark{{"busy most", area(s.Busy.Max, top)}}
	for i := len(stacked) - 1; i >= 0; i-- { // what is below is in front
		if largest(states(s)[i].values) > 0 {
			p.marks = append(p.marks, mark{stacked[i].class, area(stacked[i].values, top)})
			p.legend = slices.Insert(p.legend, 0, stacked[i].class)
		}
	}
	if limit > 0 && limit <= top {
		p.marks = append(p.marks, mark{"limit", line(s.Limit.Max, top)})
		p.legend = append(p.legend, "limit")
	}
	p.label(top, number)
	p.known = anyKnown(sum)
	switch {
	case !anyKnown(s.Busy.Max):
		p.says = "at most " + number(most)
	case limit > 0:
		p.says = "at most " + number(busy) + " busy of " + number(limit)
	default:
		p.says = "at most " + number(busy) + " busy"
	}
	return p
}

func queuePlot(s *history.Span) plot {
	p := curvePlot("Clients waiting", "queue", s, &s.Queue, 1, number)
	p.says = "at most " + number(largest(s.Queue.Max))
	return p
}

func waitPlot(s *history.Span) plot {
	p := curvePlot("Longest wait", "wait", s, &s.Wait, 0.1, seconds)
	p.says = "at most " + seconds(largest(s.Wait.Max))
	return p
}

func ratePlot(s *history.Span) plot {
	p := curvePlot("Requests per second", "rate", s, &s.Rate, 1, number)
	p.says = "at most " + number(largest(s.Rate.Max))
	return p
}

// curvePlot shows the mean of a series as an area, with its greatest values behind.
func curvePlot(title, class string, s *history.Span, c *history.Curve, least float64, text func(float64) string) plot {
	p := plot{title: title, steps: s.Len(), known: anyKnown(c.Max)}
	top := nice(max(largest(c.Max), least))
	p.marks = []mark{{class + " most", area(c.Max, top)}, {class, area(c.Mean, top)}}
	p.label(top, text)
	return p
}

func (p *plot) label(top float64, text func(float64) string) {
	p.high = text(top)
	if half := text(top / 2); !strings.Contains(half, ".") {
		p.middle = half
	}
}

// largest is 0 where nothing is known.
func largest(v history.Values) float64 {
	most := 0.0
	for _, x := range v {
		if x == x {
			most = max(most, float64(x))
		}
	}
	return most
}

func anyKnown(v history.Values) bool {
	for _, x := range v {
		if x == x {
			return true
		}
	}
	return false
}

func unknown(n int) history.Values {
	v := make(history.Values, n)
	for i := range v {
		v[i] = float32(math.NaN())
	}
	return v
}

// stack adds values to what is below them; who is not known adds nothing.
func stack(below, v history.Values) history.Values {
	sum := make(history.Values, len(below))
	for i := range sum {
		switch {
		case v[i] != v[i]:
			sum[i] = below[i]
		case below[i] != below[i]:
			sum[i] = v[i]
		default:
			sum[i] = below[i] + v[i]
		}
	}
	return sum
}

// nice is the least of 1, 2 and 5 times a power of ten that is not less than v.
func nice(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v*(1-1e-6) {
			return n * power
		}
	}
	return 10 * power
}

// number is a number for people: whole, or with one digit where it is small.
func number(v float64) string {
	if v < 10 && math.Abs(v-math.Round(v)) >= 0.05 {
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
}

func seconds(v float64) string {
	if v < 1 {
		return strconv.FormatFloat(math.Round(v*1000), 'f', 0, 64) + "ms"
	}
	if v < 10 && v == math.Round(v) {
		return strconv.FormatFloat(v, 'f', 0, 64) + "s"
	}
	return status.Age(time.Duration(v * float64(time.Second)))
}

// ticks are the times of day at the quarters of a span.
func ticks(s *history.Span) []string {
	const n = 4
	var all []string
	for i := range n + 1 {
		all = append(all, clock(s.Time(s.Len()*i/n)))
	}
	return all
}

func clock(t time.Time) string { return t.Local().Format("15:04") }

// group is how many steps share a column of hints.
const group = 6

// hints are columns that tell the numbers of their time to whoever points at them.
func hints(s *history.Span) string {
	var b strings.Builder
	for from := 0; from < s.Len(); from += group {
		to := min(from+group, s.Len())
		b.WriteString(`<rect class="hint" x="` + strconv.Itoa(from) + `" y="0" width="` + strconv.Itoa(to-from) + `" height="` + strconv.Itoa(height) + `"><title>`)
		b.WriteString(clock(s.Time(from)) + " to " + clock(s.Time(to)) + ": " + hint(s, from, to) + "</title></rect>")
	}
	return b.String()
}

func hint(s *history.Span, from, to int) string {
	var says []string
	tell := func(what string, v history.Values, text func(float64) string) {
		if v = v[from:to]; anyKnown(v) && (largest(v) > 0 || what == "busy") {
			says = append(says, what+" "+text(largest(v)))
		}
	}
	for _, one := range states(s) {
		if one.class == "busy" {
			tell("busy", s.Busy.Max, number)
			continue
		}
		tell(one.class, one.values, number)
	}
	tell("waiting", s.Queue.Max, number)
	tell("longest wait", s.Wait.Max, seconds)
	tell("requests per second", s.Rate.Max, number)
	if says == nil {
		return "not known"
	}
	return strings.Join(says, ", ")
}
