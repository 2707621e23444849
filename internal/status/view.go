package status

import "time"

// This file is what other forms than text are made of, so that all of them say the same.

// Tone is what a text means, for whoever shows it in a colour.
type Tone string

// Tones.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Warn  Tone = "warn"
	Bad   Tone = "bad"
	Fresh Tone = "fresh" // it begins
	Going Tone = "going" // it ends
)

var tones = map[paint]Tone{good: Good, warn: Warn, bad: Bad, fresh: Fresh, going: Going}

// Tone is that of the text.
func (p paint) Tone() Tone { return tones[p] }

// Condition is something that is not as it always is, or the word for that nothing is.
type Condition struct {
	Word string // FULL, STRESS and so on; ok
	Tone Tone
}

// Conditions are all that apply, the one that keeps clients waiting first.
func Conditions(s Service) []Condition {
	var all []Condition
	for _, c := range conditions(s) {
		all = append(all, Condition{c.word, c.paint.Tone()})
	}
	return all
}

// Part is the workers in one state.
type Part struct {
	Number int
	State  string
}

// Parts are the states that hold a slot, each with its workers, those with a client first.
func Parts(s Service) []Part {
	var all []Part
	for _, p := range parts(s) {
		all = append(all, Part{max(0, p.n), p.word})
	}
	return all
}

// Cell is a text in a table.
type Cell struct {
	Text string
	Tone Tone
}

// WorkerTable is the table of workers, its head first; nil where there are none.
func WorkerTable(s Service) [][]Cell {
	var table [][]Cell
	for _, r := range workers(s).rows {
		row := make([]Cell, len(r))
		for i, c := range r {
			row[i] = Cell{c.text, c.paint.Tone()}
		}
		table = append(table, row)
	}
	return table
}

// LimitText, QueueText and RequestsText are numbers as the table of services has them.
func (s *Service) LimitText() string { return limit(s.Limit) }

// QueueText is how many connections wait.
func (s *Service) QueueText() string { return queue(s.Sockets) }

// RequestsText is how many were done.
func (s *Service) RequestsText() string { return optional(s.Counters.Requests) }

// OldestText is how long the one waits that waits longest.
func (s *Service) OldestText() string { return oldestText(s) }

// Age is a time span for people, in two units at most.
func Age(d time.Duration) string { return age(d) }
