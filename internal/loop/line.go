package loop

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file tells the service manager the STATUS= line. A turn calls tell last, when
// everything in it is decided.

// linePeriod is the least time between two STATUS= lines that differ in numbers
// only. Changes of condition are told at once.
const linePeriod = 5 * time.Second

// retryPeriod is when a message that the service manager had no room for is
// sent again.
const retryPeriod = 100 * time.Millisecond

// statusLine remembers what was told last. Deadlines are 0 when there is none.
type statusLine struct {
	*core
	load *load // what people are told of it
	ages *inspection

	told     policy.Condition
	fault    error  // reload failure told
	down     string // sockets out of order, as told
	full     bool
	unserved bool // clients that nobody accepts were told of
	waiting  int  // in the queue of the full pool, when it was looked at before the line
	oldest   time.Duration
	sent     policy.Instant
	due      policy.Instant // numbers have changed since
	expires  policy.Instant // end of the stress window
	retry    policy.Instant
	extend   policy.Instant // more time is asked for; not 0 while availd drains
}

// extendPeriod is how often the service manager is asked for the time that a
// drain takes: it forgets what it has granted when it is reloaded, and ends at once
// what has lasted for longer than TimeoutStopSec= then.
const extendPeriod = time.Second

// askForTime is called when a drain begins, and again by tell until it is over.
func (s *statusLine) askForTime() {
	s.seams.Stopping(s.compose())
	s.extend = s.now + extendPeriod
}

// tell ends a turn: what changed goes to the journal, to STATUS=, and the
// watchdog is fed, from the loop itself so that a stuck loop is noticed.
func (l *Loop) tell() {
	c := l.condition()
	l.load.follow(c)
	l.queueWait.follow(c)
	l.line.logStress(l.line.told, c)
	l.line.tell(c)
	if l.line.extend > 0 && l.now >= l.line.extend {
		l.line.askForTime()
	}
	l.watchdog.beat()
	l.line.retry = 0
	if l.seams.Flush() {
		l.line.retry = l.now + retryPeriod
	}
}

func (s *statusLine) tell(c policy.Condition) {
	s.expires = 0
	oldest, _ := s.ages.oldest()
	if c.Stressed {
		s.expires = c.StressUntil
	}
	switch {
	case conditionChanged(s.told, c) || s.full != s.load.full.on || s.unserved != s.load.unserved.shown || !errors.Is(s.facts.reload, s.fault) || s.down != s.sockets.downText() || s.done:
		// The last line stays as long as the unit: it must not tell of workers
		// that are gone.
	case !numbersChanged(s.told, c) && s.waiting == s.load.need.waiting && s.oldest == oldest:
		s.due = 0
		return
	case s.now < s.sent+linePeriod:
		s.due = s.sent + linePeriod
		return
	}
	s.told, s.full, s.fault, s.sent, s.due = c, s.load.full.on, s.facts.reload, s.now, 0
	s.oldest = oldest
	s.waiting, s.down, s.unserved = s.load.need.waiting, s.sockets.downText(), s.load.unserved.shown
	s.seams.Status(s.compose())
}

func conditionChanged(a, b policy.Condition) bool {
	return a.Stressed != b.Stressed || a.Throttled != b.Throttled ||
		a.Draining != b.Draining || a.RollingOut != b.RollingOut ||
		b.Throttled && a.ThrottledUntil != b.ThrottledUntil
}

func numbersChanged(a, b policy.Condition) bool {
	return a.Busy != b.Busy || a.Idle != b.Idle || a.Starting != b.Starting || a.Retiring != b.Retiring ||
		a.Limit != b.Limit || a.Counters.Requests != b.Counters.Requests ||
		a.Replaced != b.Replaced || b.Stressed && a.StressUntil != b.StressUntil
}

// logStress says when a stress window opens and when it is over.
func (s *statusLine) logStress(was, is policy.Condition) {
	switch {
	case is.Stressed && !was.Stressed:
		m := event.StressBegins
		if p := &s.cfg.Policy; p.NoStressRestart || p.StressAfterReport && s.policy.Infers() {
			m = event.StressBeginsForNew
		}
		s.say(m, event.Limit(is.Limit), event.Until(s.clockTime(is.StressUntil)))
	case was.Stressed && !is.Stressed:
		s.say(event.StressEnds)
	}
}

// compose writes the STATUS= line.
func (s *statusLine) compose() string {
	c := s.condition()
	var b strings.Builder
	busy, idle := workerCounts(c)
	fmt.Fprintf(&b, "%v busy, %v idle", busy, idle)
	if busy == status.UnknownCount {
		counted(&b, c.Idle, "unknown")
	}
	counted(&b, c.Starting, "starting")
	counted(&b, c.Retiring, "retiring")
	fmt.Fprintf(&b, ", limit %s", limitText(c.Limit))
	if configured, isSet := status.ConfiguredLimit(s.cfg.Set); isSet {
		fmt.Fprintf(&b, " (%s configured)", configured)
	}
	fmt.Fprintf(&b, " | queue %s | %s requests", s.queueText(), requestsText(c))
	if s.load.unserved.shown {
		fmt.Fprintf(&b, " | WAITING since %s: no worker accepts", s.clockTime(s.load.unserved.since))
	}
	if s.load.full.on {
		fmt.Fprintf(&b, " | FULL since %s", s.clockTime(s.load.full.since))
	}
	if c.Stressed {
		fmt.Fprintf(&b, " | STRESS until %s", s.clockTime(c.StressUntil))
	}
	if c.Throttled {
		fmt.Fprintf(&b, " | THROTTLED until %s: %s", s.clockTime(c.ThrottledUntil), s.facts.throttle)
	}
	b.WriteString(s.sockets.downText())
	if c.RollingOut {
		fmt.Fprintf(&b, " | RELOAD %d/%d", c.Replaced, c.ToReplace)
	} else if s.facts.reload != nil {
		fmt.Fprintf(&b, " | RELOAD FAILED: %s", s.facts.reload)
	}
	if c.Draining && !s.done {
		b.WriteString(" | draining")
	}
	return oneLine(b.String())
}

// leastShown is the shortest wait that is worth a word.
const leastShown = 100 * time.Millisecond

// queueText is how many wait, and how long the oldest does, where that is known.
func (s *statusLine) queueText() string {
	text := s.sockets.text()
	oldest, bound := s.ages.oldest()
	switch {
	case text == "0" || oldest < leastShown:
		return text
	case bound:
		text += ", oldest over "
	default:
		text += ", oldest "
	}
	return text + oldest.Truncate(leastShown).String()
}

func counted(b *strings.Builder, n int, what string) {
	if n > 0 {
		fmt.Fprintf(b, ", %d %s", n, what)
	}
}

// requestsText is how many were done; nobody can count them where nobody reports.
func requestsText(c policy.Condition) string {
	if c.Inferred {
		return "-"
	}
	return fmt.Sprint(c.Counters.Requests)
}

func limitText(limit int) string {
	if limit == 0 {
		return "none"
	}
	return fmt.Sprint(limit)
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
