package loop

import (
	"errors"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file accepts the connections of a service whose workers each serve one (inetd). A
// turn calls it for the sockets that are ready, before the policy hears of them.

// maxAccepts bounds the connections taken in one turn.
const maxAccepts = 32

// client is a connection that a worker is started with. The loop owns its descriptor, and
// closes its copy when the worker's command is executed.
type client struct {
	spawn.Conn
	accepted policy.Instant
	owed     bool // its start was refused, and is tried again
}

// clients are the connections of a service that accepts itself.
type clients struct {
	*core
	isHeld func() bool // a start waits for its turn, so no more is accepted

	sources sources
	kept    []*client // accepted, without a worker; see kept.go
}

// given is what a start is handed; nil for workers that accept themselves.
func (c *client) given() *spawn.Conn {
	if c == nil {
		return nil
	}
	return &c.Conn
}

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
func (s *clients) acceptFrom(fd int) {
	for range maxAccepts {
		if s.sockets.watch == policy.WatchOff || s.isHeld() {
			return
		}
		conn, err := s.seams.Accept(fd)
		switch {
		case errors.Is(err, spawn.ErrNoConnection):
			return
		case err != nil:
			s.facts.refusal = err
			s.apply(s.policy.AcceptFailed(s.now))
			return
		case s.sources.full(conn.Source):
			s.turnAway(conn)
		default:
			if conn.Waited >= 0 {
				s.tally.Waits.Observe(conn.Waited)
			}
			s.kept = append(s.kept, &client{Conn: conn, accepted: s.now})
			s.apply(s.policy.Connection(s.now, 1))
		}
	}
}

// turnAway closes a connection of a client that has enough of them.
func (s *clients) turnAway(c spawn.Conn) {
	s.seams.Discard(c.FD) // what the client sent into it, and SO_LINGER, may hold a close up
	s.tally.Rejected.Connections++
	s.say(event.SourceFull, event.Client(c.Source), event.Most(s.sources.most))
}
