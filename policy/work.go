package policy

import "time"

// This file knows which workers are at a request where nobody reports: by looks at the
// connections that they hold. Connections and samples of infer.go call touch, Tick asks for
// a look, which the caller answers with Worked. There are looks only where somebody wants to
// know (BusyTimeout, SlowAfter), and only while there are workers.
//
// A connection that a worker accepts at once may never be seen here: epoll_wait(2) tells what
// is ready when it returns, and not what was ready before. So there are looks although nobody
// was seen to come, too, at growing intervals.

const (
	// lookShare is how many looks there are in the time that a request may take.
	lookShare = 4
	// mostOften and mostSeldom bound the time between two looks.
	mostOften  = 250 * time.Millisecond
	mostSeldom = 10 * time.Second
)

// work is when the next look is due, and whether one is under way.
type work struct {
	*core
	deadlines  *deadlines
	retirement *retirement
	infer      *infer

	due     Instant       // of the next look; far = there is none
	looking bool          // one was asked for, and not answered
	touched bool          // somebody came meanwhile
	unseen  time.Duration // the interval while nobody is seen to come; 0 = that of all other looks
}

// Working is what a look has found of one worker.
type Working struct {
	Worker     int
	Generation uint64
	Holds      bool          // a connection
	Works      bool          // … on which a client waits for it
	For        time.Duration // at least for so long; valid if Works
}

// pause is the time between two looks; 0 = nobody wants any.
func (k *work) pause() time.Duration {
	least := far
	for _, d := range []time.Duration{k.cfg.BusyTimeout, k.cfg.SlowAfter} {
		if d > 0 {
			least = min(least, d)
		}
	}
	if least == far {
		return 0
	}
	return min(max(least/lookShare, mostOften), mostSeldom)
}

// touch: a client has come, or may have been taken.
func (k *work) touch() {
	k.touched, k.unseen = true, 0
	k.uses++
	k.plan()
}

// restart plans anew, by the times of another configuration.
func (k *work) restart() {
	k.due = far
	k.touch()
}

func (k *work) plan() {
	pause := k.pause()
	switch {
	case pause == 0 || !k.infer.on || k.draining:
		k.due = far
	case !k.looking:
		k.due = min(k.due, k.now+max(pause, k.unseen))
	}
}

// forget: from now on the workers say it themselves, or do so no more.
func (k *work) forget() {
	k.due = far
	for w := k.table.oldest; w != nil; w = w.younger {
		w.works = false
	}
}

func (k *work) tick() {
	if k.now < k.due {
		return
	}
	k.due = far
	if !k.infer.on || k.draining || k.table.oldest == nil {
		return
	}
	k.looking, k.touched = true, false
	k.emit(Action{Kind: LookAtWork})
}

// Worked answers a LookAtWork action, and may come without one. Workers that are not in the
// list were not looked at.
func (s *Service) Worked(now Instant, list []Working) []Action {
	s.begin(now)
	k := &s.work
	k.looking = false
	if !s.infer.on || s.draining {
		return s.actions
	}
	held := k.touched || len(list) == 0
	for _, found := range list {
		w := s.table.byID[found.Worker]
		if w == nil || w.generation != found.Generation {
			continue
		}
		held = held || found.Holds
		k.book(w, found)
	}
	if held {
		k.unseen = 0
	} else {
		k.unseen = min(2*max(k.unseen, k.pause()), mostSeldom)
	}
	k.plan()
	return s.end()
}

// slack is what two looks may differ by about the same request: the kernel's clock ticks
// every 10 ms at worst, and a look takes some time.
const slack = 100 * time.Millisecond

// book books what was found of one worker, and acts on it. Only a look can find that a
// request takes too long: what was so at the last one may be over.
func (k *work) book(w *worker, found Working) {
	if !found.Works {
		w.works = false
		return
	}
	since := max(k.now-found.For, w.started)
	if !w.works || since > w.serving+slack {
		w.beginRequest(since)
	}
	w.works = true
	if w.aborted || w.killed {
		return
	}
	took := k.now - w.serving
	if limit := k.cfg.SlowAfter; limit > 0 && took >= limit && !w.slow {
		k.deadlines.tellSlow(w)
	}
	if limit := k.cfg.BusyTimeout; limit > 0 && took >= limit && k.now >= k.deadlines.excused {
		k.retirement.abort(w, BusyTimeout)
	}
}
