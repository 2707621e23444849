package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/prose"
)

// Severity is an exit status of monitoring plugins, as Nagios and its heirs
// take it.
type Severity int

// Severities.
const (
	OK       Severity = 0
	Warning  Severity = 1
	Critical Severity = 2
	Unknown  Severity = 3
)

func (s Severity) String() string { return [...]string{"OK", "WARNING", "CRITICAL", "UNKNOWN"}[s] }

// worse reports whether s is more urgent than o: nobody is to be woken for what
// is not known, if something else is known to be bad.
func (s Severity) worse(o Severity) bool {
	urgency := [...]int{OK: 0, Warning: 1, Unknown: 2, Critical: 3}
	return urgency[s] > urgency[o]
}

// A Trouble is a service that did not answer.
type Trouble struct {
	Severity
	Text string
}

// Check judges services, and says so in the one line of a monitoring plugin:
// text, then performance data. troubles are services that did not answer; a client that waits
// for longer than most is worth a warning, 0 = none is.
func Check(services []Service, troubles []Trouble, most time.Duration) (Severity, string) {
	worst := OK
	var said, data []string
	note := func(v Severity, text string) {
		switch {
		case v.worse(worst):
			worst, said = v, []string{text}
		case v == worst:
			said = append(said, text)
		}
	}
	for _, s := range services {
		note(judge(s, most))
		data = append(data, performance(s, most))
	}
	for _, t := range troubles {
		note(t.Severity, t.Text)
	}
	if len(services)+len(troubles) == 0 {
		note(Unknown, "no services of availd are running")
	}
	line := "AVAILD " + worst.String() + ": " + onLine(strings.Join(said, ", "))
	if data != nil {
		line += " | " + strings.Join(data, " ")
	}
	return worst, line
}

// onLine keeps a text from ending the line, or from beginning the data.
func onLine(text string) string {
	return prose.Printable(strings.NewReplacer("\n", " ", "|", "/").Replace(text))
}

// busyPercent is how much of the limit is busy when that is worth a warning.
const busyPercent = 90

// taken are the slots that clients have: a retiring worker finishes what it
// holds.
func taken(s Service) int { return s.Busy.Known() + s.Retiring }

func judge(s Service, most time.Duration) (Severity, string) {
	load := fmt.Sprintf("%s: %d of %s busy", s.Name, taken(s), limit(s.Limit))
	if n := s.Unknown(); n > 0 {
		load = fmt.Sprintf("%s: %d of %s there", s.Name, s.Total, limit(s.Limit))
	}
	// Nobody is woken for clients that do not wait.
	waiting, urgency := queue(s.Sockets), Critical
	if waiting == "0" {
		urgency = Warning
	}
	oldest, _ := s.OldestWait()
	switch faulty := s.Faulty(); {
	case faulty != nil:
		return Critical, fmt.Sprintf("%s, socket %s is %s", load, faulty.Name, FaultText(*faulty.Fault))
	case s.Overflowing() != nil:
		sock := s.Overflowing()
		text := fmt.Sprintf("%s, the queue of %s is full, %s waiting, new connections are dropped", load, sock.Name, waiting)
		if sock.Drops != nil {
			text += fmt.Sprintf(", %d so far", *sock.Drops)
		}
		return Critical, text
	case s.Unserved():
		return Critical, fmt.Sprintf("%s, %s waiting, none accepted since %s", load, waiting, clock(*s.UnservedSince))
	case s.FullSince != nil:
		return urgency, fmt.Sprintf("%s, full since %s, %s waiting", load, clock(*s.FullSince), waiting)
	case s.ThrottledUntil != nil:
		text := fmt.Sprintf("%s, throttled until %s", load, clock(*s.ThrottledUntil))
		if s.ThrottleReason != nil {
			text += ": " + *s.ThrottleReason
		}
		return urgency, text
	case s.UnservedSince != nil:
		return Warning, fmt.Sprintf("%s, %s waiting since %s for %d that start", load, waiting, clock(*s.UnservedSince), s.Starting)
	case most > 0 && oldest != nil && *oldest > most:
		return Warning, fmt.Sprintf("%s, %s waiting, the oldest for %s", load, waiting, oldestText(&s))
	case s.StressUntil != nil:
		return Warning, fmt.Sprintf("%s, under stress until %s", load, clock(*s.StressUntil))
	case s.Limit > 0 && taken(s)*100 >= s.Limit*busyPercent:
		return Warning, load
	case s.Draining:
		return OK, load + ", draining"
	default:
		return OK, load
	}
}

// performance is 'label'=value;warn;crit;min;max. A threshold is crossed by what
// is above it.
func performance(s Service, most time.Duration) string {
	name := prose.Printable(strings.NewReplacer("'", "_", "=", "_", "|", "_").Replace(s.Name))
	busy := fmt.Sprintf("'%s busy'=%d;;;0;", name, taken(s))
	if s.Limit > 0 {
		busy = fmt.Sprintf("'%s busy'=%d;%d;%d;0;%d", name, taken(s), (s.Limit*busyPercent+99)/100-1, s.Limit-1, s.Limit)
	}
	if s.Busy == UnknownCount {
		busy = fmt.Sprintf("'%s busy'=U;;;0;", name)
	}
	idle := s.Idle.String()
	if s.Idle == UnknownCount {
		idle = "U"
	}
	text := fmt.Sprintf("%s '%s idle'=%s;;;0;", busy, name, idle)
	if n := queue(s.Sockets); n != "?" {
		text += fmt.Sprintf(" '%s queue'=%s;;;0;", name, n)
	}
	if oldest, _ := s.OldestWait(); oldest != nil {
		threshold := ""
		if most > 0 {
			threshold = seconds(most)
		}
		text += fmt.Sprintf(" '%s wait'=%ss;%s;;0;", name, seconds(*oldest), threshold)
	}
	return text
}
