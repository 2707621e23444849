package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// apply carries out the actions of one event. Effects go through a queue: their
// results are events of their own, whose actions come after what is queued
// already. So there is no recursion, and the order is that of the policy.
func (l *Loop) apply(actions []policy.Action) {
	if len(actions) == 0 {
		return
	}
	l.effects = append(l.effects, actions...)
	for i := 0; i < len(l.effects); i++ {
		l.effects = append(l.effects, l.effect(l.effects[i])...)
	}
	l.effects = l.effects[:0]
}

// effect carries out one action, and returns the actions that its result
// brings about.
func (l *Loop) effect(a policy.Action) []policy.Action {
	l.log(a)
	switch a.Kind {
	case policy.Start:
		return l.birth(a)
	case policy.Listen:
		l.sockets.set(a.Watch)
	case policy.Retire:
		if p := l.procs[a.Worker]; p != nil {
			l.askToLeave(p)
		}
	case policy.Signal:
		if p := l.procs[a.Worker]; p != nil {
			p.forced = true
			l.send(p, unix.Signal(a.Number), true)
		}
	case policy.Probe:
		n, _ := l.sockets.waiting()
		return l.policy.Probed(l.now, n)
	case policy.Sample:
		return l.policy.Sampled(l.now, l.sockets.depths())
	case policy.RollOutDone, policy.RollOutStopped:
		l.endReload(a)
	case policy.Leave:
		l.leave()
	case policy.Drained:
		l.done = true
	}
	return nil
}

// birth starts a worker, unless this turn has seen enough of them.
func (l *Loop) birth(a policy.Action) []policy.Action {
	if l.births >= maxBirths {
		l.postponed = &a
		return nil
	}
	l.births++
	slot := l.intend(a)
	l.seats.prepare(slot)
	conn := l.takeConn()
	p, err := l.seams.Start(a.Generation, a.Stress, slot, conn)
	if err == nil {
		err = l.newborn(p, a, slot, conn)
	}
	if conn != nil {
		_ = nowait.Close(conn.FD) // the worker has its own; a refused birth ends it
	}
	if err != nil {
		l.seats.forget(slot)
		l.release(slot)
		l.facts.refusal = err.Error()
		return l.policy.StartFailed(l.now, a.Generation)
	}
	return l.policy.Started(l.now, a.Generation, p.PID)
}

// birthAgain carries out the birth that an earlier turn postponed.
func (l *Loop) birthAgain() {
	if l.postponed == nil {
		return
	}
	a := *l.postponed
	l.postponed = nil
	l.apply([]policy.Action{a})
}

func (l *Loop) send(p *proc, sig unix.Signal, group bool) {
	if sig == 0 {
		return
	}
	if err := l.seams.Signal(p.Process, sig, group); err != nil {
		l.say(eventInternal, levelError, "worker cannot be signalled: "+err.Error(), "worker_pid", p.PID, "generation", p.generation)
	}
}

// leave ends an idle service, unless a connection waits, or what a worker has
// left behind still works. A connection that comes from now on waits in the socket,
// which starts the service again.
func (l *Loop) leave() {
	if n, _ := l.sockets.waiting(); n > 0 || l.upgrade.running || len(l.channels) > 0 {
		return
	}
	l.say(eventStop, levelInfo, "leaving after "+l.cfg.Policy.ExitIdleTime.String()+
		" without work; the next connection starts the service again")
	l.seams.Stopping(l.compose())
	l.done = true
}
