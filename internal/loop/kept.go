package loop

import (
	"log/slog"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file keeps accepted connections that have no worker yet: the one whose start waits
// for its turn, and those whose start the system has refused, which the policy counts as
// owed. accept.go adds them, a start takes the first one and gives it back when it is
// refused, and a turn calls giveUpLate after its deadlines.

// keep puts a connection back whose start was refused. It is the first again.
func (s *clients) keep(c *client) {
	if c == nil {
		return
	}
	c.owed = true
	s.kept = slices.Insert(s.kept, 0, c)
}

// take is the connection for the coming start, if workers are started with one.
func (s *clients) take() *client {
	if len(s.kept) == 0 {
		return nil
	}
	c := s.kept[0]
	c.owed = false
	s.kept = slices.Delete(s.kept, 0, 1)
	return c
}

// closeOwed closes the first n owed connections.
func (s *clients) closeOwed(n int, said *event.Message) {
	s.kept = slices.DeleteFunc(s.kept, func(c *client) bool {
		if n == 0 || !c.owed {
			return false
		}
		n--
		s.giveUp(c, said)
		return true
	})
}

// giveUpLate closes the connections that have waited for a worker for too long.
func (s *clients) giveUpLate() {
	late := 0
	for _, c := range s.kept {
		if due := s.giveUpAt(c); due > 0 && s.now >= due {
			late++
		}
	}
	if late == 0 {
		return
	}
	s.kept = slices.DeleteFunc(s.kept, func(c *client) bool {
		due := s.giveUpAt(c)
		if due == 0 || s.now < due {
			return false
		}
		s.giveUp(c, event.NoWorkerInTime, event.Cause(s.facts.refusal))
		return true
	})
	for range late {
		s.apply(s.policy.GaveUp(s.now))
	}
}

// giveUpAt is when c has waited for too long; 0 = never.
func (s *clients) giveUpAt(c *client) policy.Instant {
	if !c.owed || s.cfg.StartTimeout <= 0 {
		return 0
	}
	return c.accepted + s.cfg.StartTimeout
}

func (s *clients) giveUp(c *client, said *event.Message, fields ...slog.Attr) {
	s.close(c)
	s.tally.Rejected.Connections++
	s.say(said, append(fields, event.Client(c.Source))...)
}

// next is when the next one has waited for too long; 0 = none ever will.
func (s *clients) next() policy.Instant {
	next := policy.Instant(0)
	for _, c := range s.kept {
		if due := s.giveUpAt(c); due > 0 && (next == 0 || due < next) {
			next = due
		}
	}
	return next
}

// close closes our copy. It may be the last one, as a worker may have ended before
// it is seen to have begun. Then SO_LINGER, which the worker has set, or descriptors
// that a client on this host has sent into it may hold a close up.
func (s *clients) close(c *client) {
	var linger unix.Linger
	switch {
	case c == nil:
	case c.Port == "":
		s.seams.Discard(c.FD)
	default:
		if _, err := nowait.Option(c.FD, unix.SOL_SOCKET, unix.SO_LINGER, &linger); err != nil || linger.Onoff != 0 {
			s.seams.Discard(c.FD)
			return
		}
		_ = nowait.Close(c.FD)
	}
}
