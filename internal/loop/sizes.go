package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file has it found out how much memory workers take (--max-memory), and tells the
// policy of those that take too much. What is read is of another process, and may take
// long, so another goroutine reads it; there is one round at a time. A turn calls follow
// last. Only a pool that is used is looked at, and of it the workers that have finished
// something since.

// sizePause is the least time between two rounds.
const sizePause = time.Second

// sizing is the round that is under way.
type sizing struct {
	*core
	running bool
	due     policy.Instant // of the next round; 0 = nothing has been done since the latest
	seen    uint64         // policy.Service.Uses, as of the latest
	asked   []*proc
}

// What the answer says of a worker whose size it does not tell.
const (
	SizeUnknown   = -1
	SizeNotLooked = -2 // it is asked about again
)

// sizes is the answer: bytes of each, or one of these.
type sizes struct{ found []int64 }

// follow ends a turn.
func (s *sizing) follow() {
	switch {
	case s.cfg.MaxMemory == 0 || s.running || s.draining() || s.seams.Measure == nil:
		s.due = 0
	case s.due > 0 && s.now >= s.due:
		s.begin()
	case s.due == 0 && s.policy.Uses() != s.seen:
		s.due = s.now + sizePause
	}
}

func (s *sizing) begin() {
	s.due, s.seen, s.asked = 0, s.policy.Uses(), s.asked[:0]
	var pids []int
	s.policy.Each(s.now, func(w policy.Worker) {
		p := s.procs[w.ID]
		if p == nil || p.order != nil || p.starting || s.policy.Retiring(w.ID) || !s.policy.Infers() && p.sized && p.sizedAt == w.Requests {
			return
		}
		p.sizedAt, p.sized = w.Requests, true
		pids, s.asked = append(pids, w.ID), append(s.asked, p)
	})
	if len(pids) == 0 {
		return
	}
	s.running = true
	s.seams.Measure(pids, s.cfg.MaxMemory, func(found []int64) { s.post(request{sizes: &sizes{found}}) })
}

// measured books the answer.
func (s *sizing) measured(found []int64) {
	s.running = false
	for i, p := range s.asked {
		if i >= len(found) || s.isDead(p) {
			continue
		}
		p.sized = found[i] != SizeNotLooked
		if found[i] >= 0 || p.size <= s.cfg.MaxMemory { // one that is to be retired keeps the size that is why
			p.size = found[i]
		}
		if p.size > s.cfg.MaxMemory && s.cfg.MaxMemory > 0 {
			s.apply(s.policy.TooLarge(s.now, p.PID, p.generation, p.attachment == attached))
		}
	}
	s.asked = s.asked[:0]
}

// memory is how much p takes, nil = not known.
func (p *proc) memory() *int64 {
	if p.size <= 0 {
		return nil
	}
	size := p.size
	return &size
}
