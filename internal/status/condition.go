package status

import (
	"strings"
	"time"
)

// condition is something that is not as it always is.
type condition struct {
	word  string
	at    *time.Time // since or until, as how says
	how   string
	paint paint
}

// String is the condition with its time.
func (c condition) String() string {
	if c.at == nil {
		return c.word
	}
	return c.word + " " + c.how + " " + clock(*c.at)
}

func clock(t time.Time) string { return t.Local().Format(time.TimeOnly) }

// conditions are all that apply, the one that keeps clients waiting first.
func conditions(s Service) []condition {
	var all []condition
	if faulty := s.Faulty(); faulty != nil {
		all = append(all, condition{word: "SOCKET DOWN", paint: bad})
	}
	if s.Overflowing() != nil {
		all = append(all, condition{word: "OVERFLOW", paint: bad})
	}
	if s.UnservedSince != nil {
		all = append(all, condition{"WAITING", s.UnservedSince, "since", bad})
	}
	if s.FullSince != nil {
		all = append(all, condition{"FULL", s.FullSince, "since", bad})
	}
	if s.StressUntil != nil {
		all = append(all, condition{"STRESS", s.StressUntil, "until", warn})
	}
	if s.ThrottledUntil != nil {
		all = append(all, condition{"THROTTLED", s.ThrottledUntil, "until", bad})
	}
	if s.Draining {
		all = append(all, condition{word: "draining", paint: going})
	}
	if len(all) == 0 {
		all = append(all, condition{word: "ok", paint: good})
	}
	return all
}

// summary is one cell of all conditions, with their times or without, in the
// colour of the worst.
func summary(all []condition, times bool) cell {
	words, p := []string{}, all[0].paint
	for _, c := range all {
		word := c.word
		if times {
			word = c.String()
		}
		if c.paint == bad {
			p = bad
		}
		words = append(words, word)
	}
	return cell{strings.Join(words, ", "), p}
}
