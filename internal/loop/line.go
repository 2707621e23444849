package loop

import (
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/policy"
)

// linePeriod is the least time between two STATUS= lines that differ in numbers
// only. Changes of condition are told at once.
const linePeriod = 5 * time.Second

// retryPeriod is when a message that the service manager had no room for is
// sent again.
const retryPeriod = 100 * time.Millisecond

// statusLine remembers what was told last. Deadlines are 0 when there is none.
type statusLine struct {
	told    policy.Condition
	fault   string // reload failure told
	full    bool
	waiting int // in the queue of the full pool, when it was looked at before the line
	sent    policy.Instant
	due     policy.Instant // numbers have changed since
	expires policy.Instant // end of the stress window
	retry   policy.Instant
}

// tell ends a turn: what changed goes to the journal, to STATUS=, and the
// watchdog is fed, from the loop itself so that a stuck loop is noticed.
func (l *Loop) tell() {
	c := l.policy.Condition(l.now)
	l.followFull(c)
	l.noteDemand(c)
	l.logStress(l.line.told, c)
	l.tellLine(c)
	if l.extend > 0 && l.now >= l.extend {
		l.askForTime()
	}
	if l.watchdog > 0 && l.now >= l.watchdog {
		l.seams.Beat()
		l.watchdog = l.now + l.cfg.Watchdog
	}
	l.line.retry = 0
	if l.seams.Flush() {
		l.line.retry = l.now + retryPeriod
	}
}

func (l *Loop) tellLine(c policy.Condition) {
	s := &l.line
	s.expires = 0
	if c.Stressed {
		s.expires = c.StressUntil
	}
	switch {
	case conditionChanged(s.told, c) || s.full != l.full.on || s.fault != l.facts.reload || l.done:
		// The last line stays as long as the unit: it must not tell of workers
		// that are gone.
	case !numbersChanged(s.told, c) && s.waiting == l.need.waiting:
		s.due = 0
		return
	case l.now < s.sent+linePeriod:
		s.due = s.sent + linePeriod
		return
	}
	s.told, s.full, s.fault, s.sent, s.due = c, l.full.on, l.facts.reload, l.now, 0
	s.waiting = l.need.waiting
	l.seams.Status(l.compose())
}

func conditionChanged(a, b policy.Condition) bool {
	return a.Stressed != b.Stressed || a.Throttled != b.Throttled ||
		a.Draining != b.Draining || a.RollingOut != b.RollingOut ||
		b.Throttled && a.ThrottledUntil != b.ThrottledUntil
}

func numbersChanged(a, b policy.Condition) bool {
	return a.Busy != b.Busy || a.Idle != b.Idle || a.Starting != b.Starting || a.Retiring != b.Retiring ||
		a.Limit != b.Limit || a.Counters.Requests != b.Counters.Requests ||
		a.RolledOut != b.RolledOut || b.Stressed && a.StressUntil != b.StressUntil
}

// logStress says when a stress window opens and when it is over.
func (l *Loop) logStress(was, is policy.Condition) {
	switch {
	case is.Stressed && !was.Stressed:
		others := "older ones are asked to restart when they are done"
		if p := &l.cfg.Policy; p.NoStressRestart || p.StressAfterReport && l.policy.Infers() {
			others = "older ones stay as they are"
		}
		l.say(eventStress, levelWarn, fmt.Sprintf(
			"stress begins: the last of %d slots is being filled; until %s new workers are told so, %s",
			is.Limit, l.clockTime(is.StressUntil), others))
	case was.Stressed && !is.Stressed:
		l.say(eventStressEnds, levelInfo, "stress ends: new workers are not told of it any more")
	}
}

// compose writes the STATUS= line.
func (l *Loop) compose() string {
	c := l.policy.Condition(l.now)
	var b strings.Builder
	fmt.Fprintf(&b, "%d busy, %d idle", c.Busy, c.Idle)
	counted(&b, c.Starting, "starting")
	counted(&b, c.Retiring, "retiring")
	fmt.Fprintf(&b, ", limit %s | queue %s | %s requests", limitText(c.Limit), l.queueText(), requestsText(c))
	if l.full.on {
		fmt.Fprintf(&b, " | FULL since %s", l.clockTime(l.full.since))
	}
	if c.Stressed {
		fmt.Fprintf(&b, " | STRESS until %s", l.clockTime(c.StressUntil))
	}
	if c.Throttled {
		fmt.Fprintf(&b, " | THROTTLED until %s: %s", l.clockTime(c.ThrottledUntil), l.facts.throttle)
	}
	if c.RollingOut {
		fmt.Fprintf(&b, " | RELOAD %d/%d", c.RolledOut, c.RollOutWhole)
	} else if l.facts.reload != "" {
		fmt.Fprintf(&b, " | RELOAD FAILED: %s", l.facts.reload)
	}
	if c.Draining && !l.done {
		b.WriteString(" | draining")
	}
	return oneLine(b.String())
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

func (l *Loop) queueText() string {
	n, known := l.sockets.waiting()
	if !known {
		return "?"
	}
	return fmt.Sprint(n)
}

func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }
