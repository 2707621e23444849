package policy

// This file finds out how many workers were idle all the time. Every change of the idle
// count calls note; Tick closes the window after IdleTimeout and retires that many.

// shrink is the window over which the smallest number of idle workers is
// looked for. It opens when there is a surplus and closes when there is none,
// so that a pool at rest has no timer. A steady load never makes it retire
// anybody that the load needs again.
type shrink struct {
	*core
	listening  *listening
	retirement *retirement
	infer      *infer
	rolling    *rolling

	ends Instant // far = closed
	low  int
	over bool // it has ended, and the sample that decides has been asked for

	scaleDown scaleDown
}

// note follows the number of idle workers.
func (k *shrink) note() { k.follow(k.table.idle) }

func (k *shrink) follow(n int) {
	switch {
	// A rolling restart has workers idle on purpose: the one that is tested, which would
	// be retired and replaced for ever where the window is shorter than the test.
	case k.cfg.IdleTimeout == 0 || n <= k.cfg.MinSpare || k.draining || k.cfg.NoRetireSignal || k.rolling.on:
		k.ends = far
	case k.ends == far:
		k.ends, k.low, k.over = k.now+k.cfg.IdleTimeout, n, false
		k.infer.window = window{}
	default:
		k.low = min(k.low, n)
	}
}

// tick retires what nobody needed during the window, oldest first. A
// worker that holds clients is not idle in this sense.
func (k *shrink) tick() {
	if k.now < k.ends {
		return
	}
	if k.infer.on { // not while somebody waits, which the next sample tells
		k.ends, k.over = k.now+k.cfg.IdleTimeout, true // should the answer fail to come
		k.emit(Action{Kind: Sample})
		return
	}
	k.retireIdle(k.low - k.cfg.MinSpare)
}

// end ends a window that is over with the sample that it had asked for.
func (k *shrink) end(somebodyWaits bool) {
	if !k.over {
		return
	}
	k.over = false
	n := k.surplus(k.low - k.cfg.MinSpare)
	if somebodyWaits {
		n = 0
	}
	k.retireIdle(n)
}

// retireIdle retires n idle workers, oldest first.
func (k *shrink) retireIdle(n int) {
	k.ends = far
	for w := k.table.oldest; w != nil && n > 0; w = w.younger {
		if w.state == idle && !w.retiring && !w.holds() && !k.rolling.keepsOld(w) {
			k.retirement.retire(w, Surplus)
			n--
		}
	}
	k.listening.settle()
}
