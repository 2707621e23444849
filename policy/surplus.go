package policy

import "time"

// window is what the samples of one idle window have shown. A blocking accept
// hands connections out in turn, so nobody is idle for long where all are idle
// most of the time; what is not needed shows only in how rarely clients wait.
type window struct {
	touched bool // there was a connection
	felt    bool // … that waited for longer than a sample
	busy    int  // delays over which all were busy
}

// busyShare: who was needed for less than a hundredth of the time is not. A
// machine that is busy with something else makes clients wait, too.
const (
	busyShare = 100
	busyLeast = 3 // … delays, where the window is short
)

// trial is the shrinking of a pool that is used. How many workers a load needs
// is not known, only that these were enough. So some are retired; if that proves
// wrong, the next attempt is smaller and comes later each time, so that a steady
// load keeps the workers it needs. The other way round, workers that were added
// and did not make the waits fewer leave again: a pool must not creep to its
// limit because clients wait for something else.
type trial struct {
	open  bool // workers were retired, and whether the rest is enough is not known yet
	calm  int  // windows without trouble so far
	wants int  // … that it takes; grows with each attempt that was wrong
	base  int  // workers after the last window
	was   int  // window.busy of the last window
}

// mostCalm is 27 minutes with the default idle-timeout.
const mostCalm = 16

// surplus is how many of n workers, which are all beyond the spares, need not be
// kept after this window. One that is used is.
func (s *Service) surplus(n int) int {
	w, t := s.infer.window, &s.trial
	s.infer.window = window{}
	size := s.table.available()
	gone := n
	switch {
	case !w.touched:
		*t = trial{wants: t.wants}
	case w.busy >= busyLeast && time.Duration(w.busy)*s.cfg.QueueDelay*busyShare >= s.cfg.IdleTimeout:
		t.judge(w)
		gone, t.calm = 0, 0
	case t.was > 0 && 2*w.busy >= t.was && size > t.base:
		gone, t.calm = size-t.base, 0 // they are no help
	default:
		t.judge(w)
		gone = t.try(w, n, size)
	}
	gone = max(0, min(gone, n))
	t.base, t.was = size-gone, w.busy
	return gone
}

// judge ends an attempt. It was wrong if more clients have waited than before.
func (t *trial) judge(w window) {
	switch {
	case !t.open:
	case w.busy > 2*t.was:
		t.wants = min(max(2, 2*t.wants), mostCalm)
	default:
		t.wants /= 2
	}
	t.open = false
}

// try is how many workers the next attempt retires, if it is time for one.
func (t *trial) try(w window, n, size int) int {
	n = min(n, size-1)
	if t.calm++; n <= 0 || t.calm < t.wants {
		return 0
	}
	t.open, t.calm = true, 0
	switch {
	case t.wants >= mostCalm: // a rare attempt may be large: workers come more often
		return (n + 7) / 8
	case w.felt || t.wants > 0:
		return 1
	}
	return (n + 1) / 2
}
