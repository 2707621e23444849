package policy

import "time"

// This file decides how many workers a load needs where nobody reports, as idle workers
// cannot be counted there. The samples and inspections fill the window; shrink.go asks
// surplus when it closes.

// window is what the samples of one idle window have shown. A blocking accept
// hands connections out in turn, so nobody is idle for long where all are idle
// most of the time; what is not needed shows only in how rarely clients wait.
type window struct {
	touched bool // there was a connection
	felt    bool // … that waited for longer than a sample
	busy    int  // delays over which all were busy
	counts  int  // how often the connections were counted that are held
	heldSum int  // … and their sum
}

// fewCounts is how often they have to be counted to tell something.
const fewCounts = 8

// need is how many workers the load of the window needs: the mean of those that were
// busy, and as many more as random arrivals ask for, which is a multiple of its square
// root: with 2.5 of them less than one client in a hundred waits for a moment.
func (w *window) need() (n int, known bool) {
	if w.counts < fewCounts {
		return 0, false
	}
	for n = 1; !w.enough(n); n++ {
	}
	return n, true
}

// enough reports whether n ≥ m + 2.5√m + 1, where m is the mean; without a root.
func (w *window) enough(n int) bool {
	rest := (n-1)*w.counts - w.heldSum // counts · (n - 1 - m)
	return rest >= 0 && 4*rest*rest >= 25*w.heldSum*w.counts
}

// busyShare: who was needed for less than a hundredth of the time is not. A
// machine that is busy with something else makes clients wait, too.
const (
	busyShare = 100
	busyLeast = 3 // … delays, where the window is short
)

// scaleDown is the shrinking of a pool that is used. How many workers a load needs
// is not known, only that these were enough. So some are retired; if that proves
// wrong, the next attempt is smaller and comes later each time, so that a steady
// load keeps the workers it needs. The other way round, workers that were added
// and did not make the waits fewer are retired again: a pool must not creep to its
// limit because clients wait for something else.
type scaleDown struct {
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
func (k *shrink) surplus(n int) int {
	w, t := k.infer.window, &k.scaleDown
	k.infer.window = window{}
	size := k.table.available()
	gone := n
	switch {
	case !w.touched:
		*t = scaleDown{wants: t.wants}
	case w.busy >= busyLeast && time.Duration(w.busy)*k.cfg.QueueDelay*busyShare >= k.cfg.IdleTimeout:
		t.judge(w)
		gone, t.calm = 0, 0
	case t.was > 0 && 2*w.busy >= t.was && size > t.base:
		gone, t.calm = size-t.base, 0 // they are no help
	default:
		t.judge(w)
		if need, known := w.need(); known {
			gone, t.calm = size-need, 0
			if gone <= max(2, need/8) { // so few come and go with the chances of the arrivals
				gone = 0
			}
		} else {
			gone = t.try(w, n, size)
		}
	}
	gone = max(0, min(gone, n))
	t.base, t.was = size-gone, w.busy
	return gone
}

// judge ends an attempt. It was wrong if more clients have waited than before.
func (t *scaleDown) judge(w window) {
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
func (t *scaleDown) try(w window, n, size int) int {
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
