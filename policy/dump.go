package policy

import "time"

// This file puts SIGKILL off while a worker writes its core dump. The caller asks
// Aborted right before each Tick, answers with Dumping for those that write, and then
// Tick kills the others.

// dumpAgain is how soon it is looked again whether a core dump is still being written.
const dumpAgain = 500 * time.Millisecond

// Aborted calls f for the workers that were sent the first rung of the ladder and are to
// be killed now, so that the caller can say with Dumping which of them write a core dump.
// It comes right before Tick.
func (s *Service) Aborted(now Instant, f func(id int)) {
	for w := s.table.oldest; w != nil && s.table.due() <= now; w = w.younger {
		if due, _ := s.deadlines.attention(w); w.aborted && !w.killed && due <= now {
			f(w.id)
		}
	}
}

// Dumping puts SIGKILL off for a worker whose core dump the kernel is writing: that would
// cut it short. It does nothing once DumpTimeout is over.
func (s *Service) Dumping(now Instant, id int) {
	w := s.table.byID[id]
	if w == nil || !w.aborted || w.killed {
		return
	}
	end := w.abortedAt + s.cfg.AbortGrace + s.cfg.DumpTimeout
	if now >= end {
		return
	}
	w.dumpsUntil = min(now+dumpAgain, end)
	s.deadlines.plan(w)
}
