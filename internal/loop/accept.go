package loop

import (
	"errors"
	"fmt"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// maxAccepts bounds the connections taken in one turn.
const maxAccepts = 32

// Conn is a connection that a worker is born with. The loop owns FD until the
// birth, and closes its copy then.
type Conn struct {
	FD            int
	Address, Port string
	Source        string // what counts as one client
}

// ErrNoConn says that no connection waits.
var ErrNoConn = errors.New("loop: no connection waits")

// sources counts the connections of each client.
type sources struct {
	most   int // 0 = any number
	counts map[string]int
}

func (s *sources) full(source string) bool {
	return s.most > 0 && source != "" && s.counts[source] >= s.most
}

func (s *sources) enter(source string) { s.counts[source]++ }

func (s *sources) leave(source string) {
	if s.counts[source]--; s.counts[source] <= 0 {
		delete(s.counts, source)
	}
}

// acceptFrom takes connections while the policy wants them and gives each to a
// worker of its own. The rest waits in the kernel.
func (l *Loop) acceptFrom(fd int) {
	for range maxAccepts {
		if l.sockets.watch == policy.WatchOff || l.postponed != nil {
			return
		}
		conn, err := l.seams.Accept(fd)
		switch {
		case errors.Is(err, ErrNoConn):
			return
		case err != nil:
			l.facts.refusal = err.Error()
			l.apply(l.policy.AcceptFailed(l.now))
			return
		case l.sources.full(conn.Source):
			l.turnAway(conn)
		default:
			l.conn = &conn
			l.apply(l.policy.Connection(l.now, 1))
		}
	}
}

// turnAway closes a connection of a client that has enough of them.
func (l *Loop) turnAway(c Conn) {
	_ = nowait.Close(c.FD)
	l.tally.Rejected.Connections++
	l.say(eventSource, levelWarn, fmt.Sprintf(
		"a connection of %s is closed: it has %d already; raise --max-per-source if that is wrong", c.Source, l.sources.most))
}

// takeConn is the connection for the coming birth, if workers are born with one.
func (l *Loop) takeConn() *Conn {
	c := l.conn
	l.conn = nil
	return c
}
