// Package top is what "availd top" shows: what was heard of the services of a host, one
// sample after the other, as the lines of a screen.
//
// What is shown is pure. [Picture.Next] makes a picture of the one before and of what was heard
// since, [View.Press] changes how it is looked at, and [Screen] makes the lines. [Terminal] is
// where they are drawn and keys are read; asking services is the caller's, and so is the clock.
//
// What services and workers say of themselves comes from anybody. It reaches the screen as
// characters of one column each; what is none is shown as a question mark.
//
// # Diagnostics
//
// Errors go to the caller. [Terminal.Close] cannot fail in a way that anybody could act on.
package top

import (
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/status"
)

// Heard is what came of asking one service. Why says why it did not answer.
type Heard struct {
	Name    string
	Service *status.Service // nil: it did not answer
	Why     string
}

// Picture is what is known of all services at one moment.
type Picture struct {
	At      time.Time
	Entries []Entry // in the order of their names
}

// Entry is one service.
type Entry struct {
	Name string
	// Now is its latest answer, and Before the one before that, which was At-Took ago. nil:
	// there is none; where Now is nil the service does not answer, because of Why.
	Now, Before *status.Service
	Took        time.Duration
	Why         string
	// Since is when it was missed first, or, where Back says so, when it came back.
	Since time.Time
	Back  bool
}

const (
	// shownBack is how long it is said that a service has come back.
	shownBack = 10 * time.Second
	// shownGone is how long a service is shown that is gone.
	shownGone = 10 * time.Minute
)

// gone is why a service does not answer of which nothing is left that could be asked.
const gone = "it is not running"

// Next is the picture after p, with what was heard at that moment.
func (p Picture) Next(at time.Time, heard []Heard) Picture {
	next := Picture{At: at}
	seen := map[string]bool{}
	for _, h := range heard {
		if seen[h.Name] { // of the system and of the user: the first counts, as for all subcommands
			continue
		}
		seen[h.Name] = true
		next.Entries = append(next.Entries, p.entry(h.Name).next(at, at.Sub(p.At), h))
	}
	for _, e := range p.Entries {
		if seen[e.Name] {
			continue
		}
		e = e.next(at, 0, Heard{Name: e.Name, Why: gone})
		if at.Sub(e.Since) < shownGone {
			next.Entries = append(next.Entries, e)
		}
	}
	slices.SortStableFunc(next.Entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return next
}

func (p Picture) entry(name string) *Entry {
	for i := range p.Entries {
		if p.Entries[i].Name == name {
			return &p.Entries[i]
		}
	}
	return nil
}

// next is the entry after e, which is nil for a service that was not known.
func (e *Entry) next(at time.Time, took time.Duration, h Heard) Entry {
	n := Entry{Name: h.Name, Now: h.Service, Why: h.Why}
	switch {
	case e == nil:
		n.Since = at
	case h.Service == nil && e.Now == nil: // it goes on being missed
		n.Since = e.Since
	case h.Service == nil:
		n.Since = at
	case e.Now == nil:
		n.Since, n.Back = at, true
	default:
		n.Before, n.Took = e.Now, took
		n.Since, n.Back = e.Since, e.Back && at.Sub(e.Since) < shownBack
	}
	return n
}
