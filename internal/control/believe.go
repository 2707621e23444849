package control

import (
	"errors"
	"fmt"
	"time"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

// What an answer may say at most. Whoever shows a document calculates with its numbers,
// and root shows those of other users.
const (
	maxWorkers = 1 << 24 // more than Linux has pids
	maxQueue   = 1 << 31 // more than a backlog can be
	maxSockets = 1 << 16
	maxText    = 4096 // bytes of one text
	maxAge     = 100 * 365 * 24 * time.Hour
)

// believe makes a document fit to be shown, or says why it cannot be that of an availd.
func believe(s *status.Service) error {
	err := contradiction(s)
	clean(s)
	if err != nil {
		return fmt.Errorf("invalid response from availd: %w", err)
	}
	return nil
}

// contradiction says why a document cannot be that of an availd; nil: it may be.
func contradiction(s *status.Service) error {
	for name, n := range map[string]int{
		"limit": s.Limit, "total": s.Total, "starting": s.Starting, "idle": s.Idle.Known(), "busy": s.Busy.Known(), "retiring": s.Retiring,
		"demand.peak": s.Demand.Peak, "workers": len(s.Workers),
	} {
		if n < 0 || n > maxWorkers {
			return fmt.Errorf("%s is %d", name, n)
		}
	}
	if s.Idle < status.UnknownCount || s.Busy < status.UnknownCount {
		return fmt.Errorf("%d are idle and %d busy", int(s.Idle), int(s.Busy))
	}
	if s.Unknown() < 0 {
		return fmt.Errorf("%d workers of unknown state are in %d", s.Unknown(), s.Total)
	}
	if sum := s.Starting + s.Idle.Known() + s.Busy.Known() + s.Unknown() + s.Retiring; sum != s.Total {
		return fmt.Errorf("%d workers in four states are %d in total", sum, s.Total)
	}
	if n := s.Demand.AdvisedLimit; n != nil && (*n < 0 || *n > maxWorkers) {
		return fmt.Errorf("demand.advised_limit is %d", *n)
	}
	if len(s.Sockets) > maxSockets {
		return fmt.Errorf("it has %d sockets", len(s.Sockets))
	}
	for _, sock := range s.Sockets {
		for _, n := range []*int{sock.Queue, sock.Backlog} {
			if n != nil && (*n < 0 || *n > maxQueue) {
				return fmt.Errorf("a queue is %d", *n)
			}
		}
	}
	if t := s.RequestTimes; t != nil && !t.Valid() {
		return errors.New("request_times is no histogram")
	}
	return impossibleTimes(s)
}

func impossibleTimes(s *status.Service) error {
	if !possible(s.Demand.FullSeconds) {
		return errors.New("demand.full_s is no time")
	}
	for _, w := range s.Workers {
		if !possible(w.AgeSeconds) {
			return errors.New("the age of a worker is no time")
		}
	}
	return nil
}

// possible is false for what is no number, too.
func possible(seconds float64) bool { return seconds >= 0 && seconds <= maxAge.Seconds() }

// clean makes all texts of a document printable, and bounds them: JSON escapes only
// some of what drives a terminal.
func clean(s *status.Service) {
	texts := []*string{&s.Name, &s.Version, &s.Protocol}
	for _, p := range []*string{s.Unit, s.ThrottleReason} {
		if p != nil {
			texts = append(texts, p)
		}
	}
	for i := range s.Warnings {
		texts = append(texts, &s.Warnings[i])
	}
	texts = append(texts, setTexts(s.Set)...)
	for i := range s.Sockets {
		texts = append(texts, &s.Sockets[i].Name, &s.Sockets[i].Address)
		if s.Sockets[i].Fault != nil {
			texts = append(texts, s.Sockets[i].Fault)
		}
	}
	for i := range s.Workers {
		texts = append(texts, &s.Workers[i].State, &s.Workers[i].Status)
	}
	printable(texts)
}

// clean is the same for the answer to a change. Its error is another's affair.
func (c *Change) clean() {
	texts := setTexts(c.Set)
	for i := range c.Warnings {
		texts = append(texts, &c.Warnings[i])
	}
	printable(texts)
}

func setTexts(sets []status.Set) (texts []*string) {
	for i := range sets {
		texts = append(texts, &sets[i].Option, &sets[i].Value, &sets[i].Configured)
	}
	return texts
}

func printable(texts []*string) {
	for _, text := range texts {
		if len(*text) > maxText {
			*text = (*text)[:maxText] + "…"
		}
		*text = prose.Printable(*text)
	}
}
