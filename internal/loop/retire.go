package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file asks a worker to exit, when the policy retires it: by its signal, by the end
// of its status channel, or not at all, where quiesce.go waits for it to be free.

// quiesces reports whether workers are retired in this way now.
func (s *retirees) quiesces() bool {
	return s.cfg.Quiesce && (s.cfg.RetireSignal == 0 || s.policy.Infers())
}

// ask retires one worker.
func (s *retirees) ask(p *proc) {
	switch {
	case p.starting && !s.cfg.PerConnection && !s.isStartOver(p):
		s.signal(p, unix.SIGKILL) // its command is not executed yet, so it holds nothing
	case s.quiesces():
		s.endBetween(p)
	case p.channel != nil:
		s.channels.end(p)
	default:
		s.signal(p, s.cfg.RetireSignal)
		s.seeThatItHears(p)
	}
}

// signal sends p the signal for that, or the one that ends it. It is as good
// an end as any for a program that has no other.
func (s *retirees) signal(p *proc, sig unix.Signal) {
	p.by = sig
	s.send(p, sig, false)
}

// endBetween ends a worker as soon as it holds no connection.
func (s *retirees) endBetween(p *proc) {
	s.list = append(s.list, &retiree{proc: p, due: s.now})
}

// endTemplateBetween ends a program that did not become a template as soon as it holds no
// connection: it may have served clients meanwhile, as a worker does. The first look is at
// that moment.
func (s *retirees) endTemplateBetween(t *templateProc, first policy.Instant) {
	s.list = append(s.list, &retiree{proc: t.asProc(), due: first})
}

// seeThatItHears makes sure that a worker that was sent its signal does not wait for
// the next client first.
func (s *retirees) seeThatItHears(p *proc) {
	if s.cfg.RetireSignal != 0 && !s.cfg.PerConnection {
		s.list = append(s.list, &retiree{proc: p, due: s.now + hearWait, signalled: true})
	}
}

// resume goes on with what an earlier process has begun. That one may have died
// between a stop and the look, whatever the configuration says now, so whoever is
// stopped is continued. A worker that has never reported was not asked by a signal,
// whatever others have done since.
func (s *retirees) resume(p *proc, e policy.Entry, stopped bool) {
	if stopped {
		s.send(p, unix.SIGCONT, false)
	}
	if e.Told {
		p.by = s.cfg.RetireSignal
	}
	if !e.Retiring || !e.Told {
		return
	}
	unreported := e.Held > 0 && !e.Taken // as those are left that were asked to retire while nobody reports
	if s.cfg.Quiesce && (unreported || s.quiesces()) {
		s.endBetween(p)
	} else {
		s.seeThatItHears(p)
	}
}

// signalInstead falls back on a signal, which every program knows.
func (s *retirees) signalInstead(w *retiree, why error) {
	w.over = true
	if w.signalled { // it was sent one already
		return
	}
	s.signal(w.proc, unix.SIGTERM)
	if !s.warned {
		s.warned = true
		s.say(event.QuiesceDenied, event.Cause(why), event.Worker(w.proc.PID, w.proc.generation))
	}
}
