package loop

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// Held is what a look at a worker has found.
type Held uint8

// What a look may find.
const (
	HeldRunning Held = iota // it is not stopped yet
	HeldNone                // it is stopped, and holds no connection
	HeldSome                // it holds one, or that cannot be told
	HeldDenied              // it may not be looked at
	HeldShared              // a process that it has started accepts too
)

// Times and bounds of quiescing.
const (
	maxLooks  = 16                    // in one turn
	lookAgain = time.Millisecond      // at one that has not stopped yet
	lookLong  = 50 * time.Millisecond // … which is let go for now
	firstWait = 10 * time.Millisecond // until the next look at one that holds a connection, doubled up to
	longWait  = time.Second

	// A worker that goes on accepting while the service is stopped has to be
	// caught between two connections, so it is looked at often for a while.
	drainWait  = 2 * time.Millisecond
	drainLooks = 2500
	drainLong  = 20 * time.Millisecond
)

// leaver is a worker that is ended as soon as it holds no connection.
type leaver struct {
	proc    *proc
	due     policy.Instant
	looks   int
	stopped policy.Instant // since then; 0 = it runs
	over    bool           // it is being ended, or was asked in another way
}

// leavers are all of them. Programs that do not drain do not know that they are
// to leave: they are stopped, looked at, and killed if that is safe, else go on.
type leavers struct {
	list   []*leaver
	batch  []*leaver
	procs  []Process
	held   []Held
	warned bool // that some are asked in another way
}

// quiesces reports whether workers are asked to leave in this way now.
func (l *Loop) quiesces() bool {
	return l.cfg.Quiesce && (l.cfg.RetireSignal == 0 || l.policy.Infers())
}

// askToLeave retires one worker.
func (l *Loop) askToLeave(p *proc) {
	switch {
	case l.quiesces():
		l.endBetween(p)
	case p.channel != nil:
		l.endChannel(p)
	default:
		l.signalToLeave(p, l.cfg.RetireSignal)
	}
}

// signalToLeave sends p the signal for that, or the one that ends it. It is as good
// an end as any for a program that has no other.
func (l *Loop) signalToLeave(p *proc, sig unix.Signal) {
	p.by = sig
	l.send(p, sig, false)
}

// endBetween ends a worker as soon as it holds no connection.
func (l *Loop) endBetween(p *proc) {
	l.leavers.list = append(l.leavers.list, &leaver{proc: p, due: l.now})
}

// resumeLeaving goes on with what an earlier process has begun. It may have died
// between a stop and the look, so everybody is told to go on. A worker that has never
// reported was not asked by a signal, whatever others have done since.
func (l *Loop) resumeLeaving(p *proc, e policy.Entry) {
	if e.Told {
		p.by = l.cfg.RetireSignal
	}
	if !l.cfg.Quiesce {
		return
	}
	_ = l.seams.Signal(p.Process, unix.SIGCONT, false)
	mute := e.Held > 0 && !e.Taken // as those are left that leave while nobody reports
	if e.Leaving && e.Told && (mute || l.quiesces()) {
		l.endBetween(p)
	}
}

// quiesce looks at those that it is time for.
func (l *Loop) quiesce() {
	s := &l.leavers
	s.collect(l)
	if len(s.batch) == 0 {
		return
	}
	for _, w := range s.batch {
		if w.stopped == 0 {
			err := l.seams.Signal(w.proc.Process, unix.SIGSTOP, false)
			if errors.Is(err, unix.EPERM) {
				l.askOtherwise(w, "workers may not be looked at")
				continue
			}
			w.stopped = l.now
		}
	}
	l.seams.Look(s.procs, s.held)
	for i, w := range s.batch {
		if w.stopped != 0 {
			l.found(w, s.held[i])
		}
	}
}

// collect takes the dead out and picks the batch.
func (s *leavers) collect(l *Loop) {
	s.batch, s.procs = s.batch[:0], s.procs[:0]
	rest := s.list[:0]
	for _, w := range s.list {
		switch {
		case l.procs[w.proc.PID] != w.proc || w.over:
		case w.due <= l.now && len(s.batch) < maxLooks:
			s.batch, s.procs = append(s.batch, w), append(s.procs, w.proc.Process)
		default:
			rest = append(rest, w)
		}
	}
	rest = append(rest, s.batch...) // behind those that wait for their turn
	clear(s.list[len(rest):])
	s.list = rest
	if len(s.held) < len(s.batch) {
		s.held = make([]Held, maxLooks)
	}
}

// found acts on one look.
func (l *Loop) found(w *leaver, h Held) {
	switch {
	case h == HeldNone:
		w.over = true
		l.signalToLeave(w.proc, unix.SIGKILL) // alone: what it has started may hold a client
	case h == HeldDenied:
		l.askOtherwise(w, "workers may not be looked at")
	case h == HeldShared:
		l.askOtherwise(w, "workers have started processes that accept too")
	case h == HeldRunning && l.now < w.stopped+lookLong:
		w.due = l.now + lookAgain
	default:
		l.goOn(w)
		w.looks++
		w.due = l.now + l.nextLook(w.looks)
	}
}

func (l *Loop) goOn(w *leaver) {
	w.stopped = 0
	_ = l.seams.Signal(w.proc.Process, unix.SIGCONT, false)
}

// nextLook is the pause after so many looks.
func (l *Loop) nextLook(looks int) time.Duration {
	switch {
	case !l.draining:
		return min(firstWait<<min(looks-1, 10), longWait)
	case looks < drainLooks:
		return drainWait
	default:
		return drainLong
	}
}

// hurryLeavers: the service is being stopped, so all are looked at again soon.
func (l *Loop) hurryLeavers() {
	l.draining = true
	for _, w := range l.leavers.list {
		w.due, w.looks = min(w.due, l.now), 0
	}
}

// releaseLeavers lets all run: this process is about to become another image.
func (l *Loop) releaseLeavers() {
	for _, w := range l.leavers.list {
		if w.stopped != 0 {
			l.goOn(w)
		}
	}
}

// askOtherwise falls back on a signal, which every program knows.
func (l *Loop) askOtherwise(w *leaver, why string) {
	l.goOn(w)
	w.over = true
	l.signalToLeave(w.proc, unix.SIGTERM)
	if !l.leavers.warned {
		l.leavers.warned = true
		l.say(eventDenied, levelWarn, fmt.Sprintf(
			"%s: they are asked to leave by SIGTERM, and lose what they hold if they do not finish on it; set --retire-signal to one that they finish on",
			why), "worker_pid", w.proc.PID)
	}
}

// nextLeaver is when the next look is due; 0 = there is none.
func (l *Loop) nextLeaver() (next policy.Instant) {
	for _, w := range l.leavers.list {
		if !w.over && (next == 0 || w.due < next) {
			next = w.due
		}
	}
	return next
}
