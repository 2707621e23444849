package try

import (
	"fmt"
	"time"

	"github.com/availd/availd/internal/protocol"
)

// Advice is what follows from what was seen.
type Advice struct {
	// Protocol is nil where the program works in no way.
	Protocol *protocol.Protocol `json:"-"`
	Name     string             `json:"protocol"`
	// Options are those of availd units beside --protocol.
	Options []string `json:"options"`
	// Why is one sentence, and Notes are others, about what to know or to set.
	Why   string   `json:"why"`
	Notes []string `json:"notes"`
}

// slowStart is a start for which a client should not have to wait.
const slowStart = 300 * time.Millisecond

// Advise says what follows from what was seen; the last is the way that works, if one does.
func Advise(all []Seen) (a Advice) {
	if len(all) == 0 {
		return a
	}
	s := all[len(all)-1]
	if s.Way == protocol.Postfix && s.Exit == "" && s.Refused == "" && !s.works() {
		return Advice{
			Protocol: protocol.Postfix, Name: protocol.Postfix.Name, Why: "it is a daemon of Postfix, by its path",
			Notes: []string{"it was not seen to wait for clients: it asks other daemons of Postfix first, so see whether Postfix runs, and try it in the queue directory"},
		}
	}
	if !s.works() {
		a.Why = whyNot(all)
		return a
	}
	switch {
	case s.Way.PerConnection:
		a.Protocol, a.Why = protocol.Inetd, "it serves the one connection that is its standard input and output"
	case s.Way.OneSocket != "":
		a.Protocol, a.Why = protocol.FastCGI, "it accepts on descriptor 0, as FastCGI programs do"
	case s.Way == protocol.Postfix:
		a.Protocol, a.Why = protocol.Postfix, "it is a daemon of Postfix, and reports to its master"
	case s.Reports || s.Ready:
		a.Protocol, a.Why = protocol.Notify, "it accepts on descriptor 3 and reports whether it is busy"
		if !s.Reports {
			a.Why = "it accepts on descriptor 3 and says READY=1, and no X_AVAILD= was seen"
		}
	default:
		a.Protocol, a.Why = protocol.Queue, "it accepts on descriptor 3 and does not report"
	}
	a.Name = a.Protocol.Name
	a.retire(s)
	a.notes(s)
	return a
}

// retire adds --retire-signal where the default of the protocol does not suit.
func (a *Advice) retire(s Seen) {
	switch finishes := s.Term == Finishes; {
	case a.Protocol.Retire == "quiesce" && finishes:
		a.Options = append(a.Options, "--retire-signal=TERM")
	case a.Protocol == protocol.Notify && s.Term == Dies:
		a.Options = append(a.Options, "--retire-signal=none")
		a.Notes = append(a.Notes, "SIGTERM ends it in the middle of a request, which a worker that reports should finish: see availd-worker(7)")
	case s.Term == Ignores:
		a.Notes = append(a.Notes, "it goes on after SIGTERM, so that a stop takes stop-timeout; availd kills it then")
	}
}

func (a *Advice) notes(s Seen) {
	note := func(format string, args ...any) { a.Notes = append(a.Notes, fmt.Sprintf(format, args...)) }
	if s.Holds > 1 {
		if s.Reports {
			note("it takes several clients at once: let it say busy when it can take no more, with X_AVAILD_JOBS=")
		} else if !s.Way.PerConnection {
			note("it takes several clients at once, so that one process gets them all and the pool does not grow: " +
				"let it report (availd-worker(7)), or run it without availd")
		}
	}
	if s.Processes > 1 && !s.Way.PerConnection {
		note("each worker is %d processes: if the program has an option for none of its own, use it", s.Processes)
	}
	if s.Start > slowStart && !s.Way.PerConnection {
		note("a start takes %v: with --min-spare=1 nobody waits for it", s.Start.Round(10*time.Millisecond))
	}
	if s.Preload.Counts {
		note("--preload works: requests are counted, and --max-requests and --busy-timeout do")
	}
	if s.Preload.Template {
		note("--template=preload works: workers are forks of a process that has loaded everything")
	}
	if s.Elsewhere != "" {
		note("it listens on %s as well, which every worker would", s.Elsewhere)
	}
	if s.Answer == "" && !s.Way.PerConnection {
		note("it answered neither a request of HTTP nor a line, so what SIGTERM does in the middle of one was not seen")
	}
}

// whyNot says why no way works, by what tells most.
func whyNot(all []Seen) string {
	last := all[len(all)-1]
	for _, s := range all {
		switch {
		case s.Refused != "":
			return s.Refused
		case s.Elsewhere != "":
			return fmt.Sprintf("it listens on %s itself and takes no socket: have it accept on descriptor 3 (LISTEN_FDS of sd_listen_fds(3); gunicorn: --bind fd://3), or run it without availd", s.Elsewhere)
		case s.Background:
			return "it goes into the background: give it its option to stay in the foreground (--foreground, --no-daemon, daemonize=no)"
		}
	}
	switch {
	case last.Exit != "" && last.Output != "":
		return fmt.Sprintf("it %s at once: %s", last.Exit, last.Output)
	case last.Exit != "":
		return fmt.Sprintf("it %s at once", last.Exit)
	default:
		return "it neither accepts on descriptor 0 or 3 nor reads from a connection on its standard input"
	}
}
