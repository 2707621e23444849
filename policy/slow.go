package policy

import "time"

// This file knows for how long a worker has been at one request. Whatever makes it busy or
// finishes a request calls beginRequest; Tick calls tellSlow, by the deadlines of timers.go.

// beginRequest books that w is at no request that began before now. The caller plans.
func (w *worker) beginRequest(now Instant) { w.serving, w.slow = now, false }

// slowPrecision is by how much a request that takes long is told later than asked for, at
// most, and never earlier. All that become due within it are told at once: with 200 workers at
// requests of 1.5 s each, 133 wake-ups a second were for nothing but this, a fifth of what
// the option took.
const slowPrecision = 100 * time.Millisecond

// slowAt is when the present request of a busy worker has taken long; far = never, or that was
// told.
func (d *deadlines) slowAt(w *worker) Instant {
	if w.slow || d.cfg.SlowAfter <= 0 {
		return far
	}
	return (w.serving + d.cfg.SlowAfter + slowPrecision - 1) / slowPrecision * slowPrecision
}

// tellSlow says once that the present request of w takes long.
func (d *deadlines) tellSlow(w *worker) {
	w.slow = true
	d.counters.Slow++
	d.plan(w)
	d.emit(Action{Kind: WarnSlow, Worker: w.id, Generation: w.generation, Until: w.serving})
}

// ServingSince returns when the present request of a worker began; false: it is at none, or
// that is not known.
func (s *Service) ServingSince(worker int) (Instant, bool) {
	w := s.table.byID[worker]
	if w == nil {
		return 0, false
	}
	return s.infer.servingSince(w)
}

func (f *infer) servingSince(w *worker) (Instant, bool) {
	if f.on {
		return w.serving, w.works
	}
	return w.serving, w.state == busy
}

// busyFor is for how long w has been at its request; negative = at none, or not known.
func (f *infer) busyFor(w *worker, now Instant) time.Duration {
	since, serves := f.servingSince(w)
	if !serves {
		return -1
	}
	return now - since
}
