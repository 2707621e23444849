package loop

import (
	"errors"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/policy"
)

// This file retires workers that do not drain by themselves: programs that know nothing
// of availd, and those that wait in accept(2) and so do not hear their signal. Each is
// looked at, without being disturbed, until it holds no connection; then it is stopped
// by SIGSTOP and looked at once more, as it may have accepted one meanwhile, and killed
// or continued. One that goes from one connection to the next without a pause is never
// found free in this way: it is stopped again and again without a look before, until
// that hits the moment between two. The policy asks for a retirement (ask), and a turn of the loop
// calls look.
//
// A look reads files of /proc that depend on what a worker does, so it is made by
// another goroutine (Seams.Look): one at a time, the answer is a request like any other
// (looked). A worker that is stopped is continued after a moment whether the answer has
// come or not.

// retiree is a worker that is ended as soon as it holds no connection.
type retiree struct {
	proc      *proc
	due       policy.Instant
	looks     int
	stopped   policy.Instant // since then; 0 = it runs
	askedFor  policy.Instant // stopped, as it was when it was asked about
	signalled bool           // it was sent its signal: is it heard?
	changed   policy.Instant // it was last seen to hold another connection than before
	changes   int            // … how often in a row, each soon after the one before
	shared    policy.Instant // since then each look has found a child that accepts, too; 0 = the last has not
	denied    policy.Instant // since then it may not be looked at; 0 = it may
	over      bool           // it is being ended, or was signalled instead
}

// retirees are all of them.
type retirees struct {
	*core
	channels *channels

	list   []*retiree
	asked  []*retiree // those that are being looked at
	warned bool       // that some are signalled instead
}

// looked is the answer to one round of looks.
type looked struct{ held []quiesce.State }

// look has those looked at that it is time for.
func (s *retirees) look() {
	for _, w := range s.list {
		if w.stopped != 0 && s.now >= w.stopped+lookLong { // the look takes longer than it may
			s.goOn(w)
			s.later(w)
		}
	}
	if len(s.asked) > 0 {
		return
	}
	s.collect()
	for _, w := range s.asked {
		if w.passes() { // one at a time, as the others would stay stopped meanwhile
			s.stopToLook(w)
			break
		}
	}
	if len(s.asked) > 0 {
		s.askAbout()
	}
}

// stopToLook stops a worker, and reports whether it could.
func (s *retirees) stopToLook(w *retiree) bool {
	s.unsents.forget(w.proc, unix.SIGCONT)
	if err := s.seams.Signal(w.proc.Process, unix.SIGSTOP, false); errors.Is(err, unix.EPERM) {
		s.signalInstead(w, event.MayNotLook.With())
		return false
	}
	w.stopped = s.now
	return true
}

// askAbout asks about all that were picked.
func (s *retirees) askAbout() {
	questions := make([]quiesce.Question, 0, len(s.asked))
	for _, w := range s.asked {
		w.askedFor = w.stopped
		questions = append(questions, quiesce.Question{
			Process: quiesce.Process{PID: w.proc.PID, FD: w.proc.FD}, Stopped: w.stopped != 0, Signalled: w.signalled, Draining: s.draining() && !w.signalled,
			Catch: w.stopped != 0 && w.passes(),
		})
	}
	s.seams.Look(questions, func(held []quiesce.State) {
		s.post(request{looked: &looked{held}})
	})
}

// collect takes out those that have ended and picks whom to look at.
func (s *retirees) collect() {
	rest := s.list[:0]
	for _, w := range s.list {
		switch {
		case s.isDead(w.proc) || w.over:
		case w.due <= s.now && len(s.asked) < maxLooks:
			s.asked = append(s.asked, w)
		default:
			rest = append(rest, w)
		}
	}
	rest = append(rest, s.asked...) // behind those that wait for their turn
	clear(s.list[len(rest):])
	s.list = rest
}

// looked acts on what was found. Those that seem free are stopped, and looked at again
// at once.
func (s *retirees) looked(held []quiesce.State) {
	asked := s.asked
	s.asked = nil
	var stopped []*retiree
	for i, w := range asked {
		if s.isDead(w.proc) || w.over {
			continue
		}
		switch {
		case w.stopped != w.askedFor: // it was continued meanwhile: what was found is no more
			s.goOn(w) // as whoever tried to catch it has stopped it since
		case w.stopped != 0:
			s.foundStopped(w, held[i])
		case s.found(w, held[i]):
			stopped = append(stopped, w)
		}
	}
	if len(stopped) > 0 {
		s.asked = stopped
		s.askAbout()
	}
}

// found acts on a look at a worker that runs, and reports whether it was stopped.
func (s *retirees) found(w *retiree, h quiesce.State) (stopped bool) {
	switch {
	case h != quiesce.Shares:
		w.shared = 0
	case w.shared == 0:
		w.shared = s.now
	}
	if h == quiesce.Denied && w.denied == 0 {
		w.denied = s.now
	}
	switch {
	case h == quiesce.Free:
		return s.stopToLook(w)
	case h == quiesce.Denied && (w.signalled || s.now-w.denied >= deniedLong):
		s.signalInstead(w, event.MayNotLook.With())
	case h == quiesce.Shares && s.now-w.shared >= sharedLong:
		s.signalInstead(w, event.HasChildren.With())
	default:
		s.noteHeld(w, h)
		s.later(w)
	}
	return false
}

// foundStopped acts on a look at a worker that is stopped. One that has been continued
// while it was looked at is looked at again.
func (s *retirees) foundStopped(w *retiree, h quiesce.State) {
	switch {
	case h == quiesce.Free:
		w.over = true
		s.signal(w.proc, unix.SIGKILL) // alone: what it has started may hold a client
	case h == quiesce.Running && s.now < w.stopped+lookLong:
		w.due = s.now + lookAgain
	case h == quiesce.Shares, h == quiesce.Denied:
		s.goOn(w)
		s.found(w, h)
	default:
		w.shared = 0
		s.noteHeld(w, h)
		s.goOn(w)
		s.later(w)
	}
}

func (s *retirees) goOn(w *retiree) {
	w.stopped = 0
	s.send(w.proc, unix.SIGCONT, false)
}

// hurry: the service is being stopped, so all are looked at again soon.
func (s *retirees) hurry() {
	for _, w := range s.list {
		if !w.signalled {
			w.due, w.looks = min(w.due, s.now), 0
		}
	}
}

// goOnAll lets all run: this process is about to become another image.
func (s *retirees) goOnAll() {
	for _, w := range s.list {
		if w.stopped != 0 {
			s.goOn(w)
		}
	}
}

// next is when the next look is due, or somebody has to be continued; 0 = there
// is none.
func (s *retirees) next() (next policy.Instant) {
	sooner := func(at policy.Instant) {
		if next == 0 || at < next {
			next = at
		}
	}
	for _, w := range s.list {
		switch {
		case w.over:
		case w.stopped != 0 && len(s.asked) > 0:
			sooner(w.stopped + lookLong)
		case len(s.asked) == 0:
			sooner(w.due)
		}
	}
	return next
}
