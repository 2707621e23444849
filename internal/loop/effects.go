package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/policy"
)

// This file carries out the actions of the policy. Every event that is delivered to the
// policy passes its actions to apply of core.go, which calls effect for each, in the order
// of the list.

// effect carries out one action, and returns the actions that its result
// brings about.
func (l *Loop) effect(a policy.Action) []policy.Action {
	l.log(a)
	switch a.Kind {
	case policy.Start:
		return l.starts.start(a)
	case policy.Listen:
		l.sockets.set(a.Watch)
	case policy.Retire:
		switch p := l.procs[a.Worker]; {
		case p == nil:
		case p.order != nil:
			return l.templates.retireOrder(p)
		default:
			l.retirees.ask(p)
		}
	case policy.Signal:
		switch p := l.procs[a.Worker]; {
		case p == nil:
		case p.order != nil:
			return l.templates.abortOrder(p)
		default:
			p.forced = true
			l.send(p, unix.Signal(a.Number), true)
		}
	case policy.Probe:
		n, _ := l.sockets.waiting()
		return l.policy.Probed(l.now, n)
	case policy.Sample:
		return l.load.sample()
	case policy.Observe:
		if a.Worker > 0 { // else there is nobody yet
			l.observing.asked = append(l.observing.asked, inspect.Worker{PID: a.Worker, Generation: a.Generation})
		}
	case policy.WarnSlow:
		l.slowness.note(a)
	case policy.LookAtWork:
		l.work.begin()
	case policy.Inspect:
		l.inspection.begin(a)
	case policy.RollingDone, policy.RollingStopped, policy.RollingWaits:
		l.templates.endEarlier(a)
		l.reloads.end(a)
	case policy.CloseOwed:
		l.clients.closeOwed(a.Number, event.NoWorkerAtStop)
	case policy.ExitIdle:
		l.exitIdle()
	case policy.Drained:
		l.done = true
	}
	return nil
}

// adopt gives new settings to the parts of the loop.
func (l *Loop) adopt(s Settings) {
	l.cfg.Settings = s
	l.clients.sources.most = s.MaxPerSource
	l.retirees.askHeirs()
	l.board.tryPreload()
	l.templates.switchTemplates()
}

// exitIdle ends an idle service, unless a connection waits, or what a worker has
// left behind still works. A connection that comes from now on waits in the socket,
// which starts the service again.
func (l *Loop) exitIdle() {
	if n, _ := l.sockets.waiting(); n > 0 || l.upgrade.running || l.reloads.running || len(l.channels.byFD) > 0 || len(l.clients.kept) > 0 {
		return
	}
	l.say(event.IdleExit, event.Took(l.cfg.Policy.ExitIdleTime))
	l.seams.Stopping(l.line.compose())
	l.done = true
}
