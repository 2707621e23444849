package status

import (
	"fmt"
	"strings"

	"github.com/availd/availd/internal/columns"
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

// Check judges services, and says so in the one line of a monitoring plugin:
// text, then performance data. troubles are services that did not answer.
func Check(services []Service, troubles []string) (Severity, string) {
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
		note(judge(s))
		data = append(data, performance(s))
	}
	for _, t := range troubles {
		note(Unknown, t)
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
	return columns.Printable(strings.NewReplacer("\n", " ", "|", "/").Replace(text))
}

// busyPercent is how much of the limit is busy when that is worth a warning.
const busyPercent = 90

// taken are the slots that clients have: a retiring worker finishes what it
// holds.
func taken(s Service) int { return s.Busy + s.Retiring }

func judge(s Service) (Severity, string) {
	load := fmt.Sprintf("%s: %d of %s busy", s.Name, taken(s), limit(s.Limit))
	switch {
	case s.FullSince != nil:
		return Critical, fmt.Sprintf("%s, full since %s, %s wait", load, clock(*s.FullSince), queue(s.Sockets))
	case s.ThrottledUntil != nil:
		text := fmt.Sprintf("%s, throttled until %s", load, clock(*s.ThrottledUntil))
		if s.ThrottleReason != nil {
			text += ": " + *s.ThrottleReason
		}
		return Critical, text
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
func performance(s Service) string {
	name := columns.Printable(strings.NewReplacer("'", "_", "=", "_").Replace(s.Name))
	busy := fmt.Sprintf("'%s busy'=%d;;;0;", name, taken(s))
	if s.Limit > 0 {
		busy = fmt.Sprintf("'%s busy'=%d;%d;%d;0;%d", name, taken(s), (s.Limit*busyPercent+99)/100-1, s.Limit-1, s.Limit)
	}
	text := fmt.Sprintf("%s '%s idle'=%d;;;0;", busy, name, s.Idle)
	if n := queue(s.Sockets); n != "?" {
		text += fmt.Sprintf(" '%s queue'=%s;;;0;", name, n)
	}
	return text
}
