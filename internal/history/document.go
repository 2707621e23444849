package history

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Document is the answer to a question about the past. Keys are an interface that users rely
// on.
type Document struct {
	Name   string    `json:"name"`
	At     time.Time `json:"at"` // the moment of the answer
	Hour   Span      `json:"hour"`
	Day    Span      `json:"day"`
	Events []Event   `json:"events"` // the newest first
}

// Span is the points of a ring, oldest first. The last step is under way.
type Span struct {
	Begin    time.Time `json:"begin"` // of the first step
	Step     float64   `json:"step_s"`
	Covered  Values    `json:"covered_s"` // how much of each step is known
	Busy     Curve     `json:"busy"`
	Idle     Curve     `json:"idle"`
	Unknown  Curve     `json:"unknown"`
	Starting Curve     `json:"starting"`
	Retiring Curve     `json:"retiring"`
	Limit    Curve     `json:"limit"`
	Queue    Curve     `json:"queue"`
	Wait     Curve     `json:"oldest_wait_s"`
	Rate     Curve     `json:"requests_per_s"`
}

// Curve is the values of a series, step by step.
type Curve struct {
	Min  Values `json:"min"`
	Mean Values `json:"mean"`
	Max  Values `json:"max"`
}

// Curves are those of s by their [Series].
func (s *Span) Curves() [Count]*Curve {
	return [Count]*Curve{
		Busy: &s.Busy, Idle: &s.Idle, Unknown: &s.Unknown, Starting: &s.Starting, Retiring: &s.Retiring,
		Limit: &s.Limit, Queue: &s.Queue, Wait: &s.Wait, Rate: &s.Rate,
	}
}

// Len is the number of steps.
func (s *Span) Len() int { return len(s.Covered) }

// Time is when a step begins.
func (s *Span) Time(i int) time.Time {
	return s.Begin.Add(time.Duration(float64(i) * s.Step * float64(time.Second)))
}

// Values are numbers, of which NaN is null in JSON: not known.
type Values []float32

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	text := []byte{'['}
	for i, x := range v {
		if i > 0 {
			text = append(text, ',')
		}
		if x != x {
			text = append(text, "null"...)
			continue
		}
		text = strconv.AppendFloat(text, math.Round(float64(x)*1000)/1000, 'f', -1, 64)
	}
	return append(text, ']'), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(text []byte) error {
	var all []*float32
	if err := json.Unmarshal(text, &all); err != nil {
		return err
	}
	*v = make(Values, len(all))
	for i, x := range all {
		(*v)[i] = nan
		if x != nil {
			(*v)[i] = *x
		}
	}
	return nil
}

// Compose makes a document of memory of a [History] that was saved at now, which was at as a
// clock on the wall shows it.
func Compose(name string, memory []byte, now time.Duration, at time.Time, events []Event) Document {
	hour, day := Read(memory, now)
	return Document{Name: name, At: at, Hour: span(hour, HourStep, now, at), Day: span(day, DayStep, now, at), Events: events}
}

func span(points []Point, step, now time.Duration, at time.Time) Span {
	begin := now.Truncate(step) - time.Duration(len(points)-1)*step
	s := Span{Begin: at.Add(begin - now), Step: step.Seconds(), Covered: make(Values, len(points))}
	for i, c := range s.Curves() {
		c.Min, c.Mean, c.Max = make(Values, len(points)), make(Values, len(points)), make(Values, len(points))
		for n := range points {
			c.Min[n], c.Mean[n], c.Max[n] = points[n].Min[i], points[n].Mean[i], points[n].Max[i]
		}
	}
	for n := range points {
		s.Covered[n] = float32(points[n].Covered.Seconds())
	}
	return s
}
