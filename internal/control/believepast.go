package control

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/prose"
)

// What a history may have at most: it is drawn, and root draws those of other users.
const (
	maxPoints = 10_000
	maxEvents = 10_000
	maxValue  = 1e12
)

// believePast makes a history fit to be shown, or says why it cannot be that of an availd.
func believePast(d *history.Document) error {
	for _, s := range []*history.Span{&d.Hour, &d.Day} {
		if err := impossibleSpan(s); err != nil {
			return fmt.Errorf("invalid response from availd: %w", err)
		}
	}
	if len(d.Events) > maxEvents {
		return fmt.Errorf("invalid response from availd: it has %d events", len(d.Events))
	}
	texts := []*string{&d.Name}
	for i := range d.Events {
		e := &d.Events[i]
		texts = append(texts, &e.Severity, &e.Event, &e.Reason, &e.Text)
	}
	for _, text := range texts {
		*text = prose.PrintableBytes(*text, maxText)
	}
	return nil
}

func impossibleSpan(s *history.Span) error {
	if s.Len() > maxPoints {
		return fmt.Errorf("it has %d points", s.Len())
	}
	if !(s.Step > 0 && s.Step <= (24*time.Hour).Seconds()) {
		return errors.New("its step is no time")
	}
	for _, c := range s.Curves() {
		for _, v := range []history.Values{c.Min, c.Mean, c.Max} {
			if len(v) != s.Len() {
				return fmt.Errorf("a series has %d points, another %d", len(v), s.Len())
			}
			for _, x := range v {
				if x < 0 || x > maxValue || math.IsInf(float64(x), 0) {
					return fmt.Errorf("a value is %v", x)
				}
			}
		}
	}
	return nil
}
