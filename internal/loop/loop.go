// Package loop is the one goroutine that owns a service: it waits on the only
// epoll set, feeds what happened to the policy, and carries out what the policy
// answers. Listening sockets are in the set while the policy wants them
// watched, a worker's pidfd while it lives, the report socket and a wake event always.
//
// It decides nothing about workers (package policy does), and it knows starts,
// signals, reports and systemd only as the functions in [Seams], so that it can
// be tested with real descriptors and fake starts. Other goroutines reach it
// through [Loop.Ask], [Loop.Reload] and [Loop.Signal] alone. An idle loop has no
// deadline and does not wake.
//
// Nothing that another process controls decides how long a call of the loop takes: the
// file calls.txt lists all system calls of its thread with the reason why each returns at
// once, and a test of internal/cli compares.
//
// # Diagnostics
//
// Run returns an error only when the loop cannot go on: its own epoll set
// fails. Whatever workers do, or the system refuses to a worker, is logged and
// survived.
package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// This file has the turn, which calls each part of the loop in its order, and the time until
// the next one. new.go puts the parts together.

// Bounds of one turn: whatever floods us, the watchdog and the other events get
// their share.
const (
	maxReports = 1024
	maxStarts  = 16
)

// Loop is the owner of a service. Use [New].
type Loop struct {
	*core

	workers   workers
	board     boardSlots
	starts    starts
	asleep    asleep
	pace      pace
	reports   reports
	ready     events
	channels  channels
	strangers strangers
	templates templates

	signals   chan unix.Signal
	retirees  retirees
	reloads   reloads
	crashes   crashes
	memory    memory
	exits     exits
	upgrade   upgrade
	observing observing
	slowness  slowness
	work      workLooks
	sizing    sizing
	clients   clients
	load      load
	shown     shown

	inspection inspection
	queueWait  queueWait
	askers     askers

	line     statusLine
	watchdog watchdog
}

// Run serves until the service was stopped and its last worker is gone.
func (l *Loop) Run() error {
	defer l.close()
	l.apply(l.policy.Start(l.now))
	l.saySettings()
	l.board.recount()
	l.memory.keep()
	l.board.arm()
	l.watchdog.start()
	l.templates.forkOrdered()
	l.seams.Ready(l.line.compose())
	for !l.done {
		if err := l.turn(); err != nil {
			return err
		}
	}
	l.templates.endTemplates()
	return nil
}

// turn is one pass. The clock is read once. Reports come before deadlines, so
// that nobody is late who has said something in time; before sockets, so that a
// worker which just became idle spares a start; and before deaths, which come
// last, so that last words count.
func (l *Loop) turn() error {
	found, err := l.epoll.wait(l.timeout(), l.pace.lively(), l.seams.Now)
	if err != nil {
		return err
	}
	now := l.seams.Now()
	l.pace.turn(l.now, now)
	l.now, l.starts.inTurn = now, 0
	l.watchdog.wakeUp()
	l.ready.sort(found)
	l.board.read(l.ready.board)
	l.templates.readTemplates(l.ready.templates)
	l.starts.follow()
	l.workers.watchAgain()
	if l.reports.wanted(&l.ready) {
		l.reports.read()
	}
	l.sockets.heardUntaken(l.ready.untaken)
	l.channels.read(l.ready.channels)
	l.workers.spareDumps()
	l.board.checkJoins()
	l.apply(l.policy.Tick(l.now))
	l.clients.giveUpLate()
	l.askers.answerLate()
	l.queueWait.heard(l.ready.arrivals)
	l.starts.startPostponed()
	l.sockets.tryAgain()
	l.channels.missHungUp()
	l.sockets.findDown(l.ready.down)
	l.connections()
	if l.ready.wake {
		l.takeInbox()
	}
	l.exits.reap(l.ready.ended)
	l.resend()
	l.strangers.collect()
	l.retirees.look()
	l.observing.ask()
	l.slowness.look()
	l.starts.follow()
	l.templates.forkOrdered()
	l.upgrade.becomeNext()
	l.sockets.hold(l.upgrade.due > 0 || l.starts.waits())
	l.memory.keep()
	l.board.arm()
	l.reports.gather()
	l.asleep.follow()
	l.sizing.follow()
	l.tell()
	return nil
}

// timeout is the time until the earliest deadline; negative = none.
func (l *Loop) timeout() time.Duration {
	if l.starts.postponed != nil && !l.starts.waits() || l.reports.unread || l.upgrade.due > 0 && !l.upgrade.isSettling() || l.templates.ordered {
		return 0
	}
	next, any := l.policy.Deadline()
	for _, d := range []policy.Instant{
		l.watchdog.due, l.line.due, l.line.expires, l.line.retry, l.load.full.clear, l.load.need.due, l.load.unserved.due, l.memory.nextStore(), l.retirees.next(), l.strangers.due, l.channels.nextMissed(), l.unsents.next(),
		l.reports.batches.until, l.board.due, l.board.rearm, l.board.nextJoin(), l.sockets.again, l.sockets.downs.retry, l.line.extend, l.sizing.due, l.starts.due, l.asleep.due, l.clients.next(), l.workers.due, l.upgrade.due, l.queueWait.due, l.queueWait.rearm, l.askers.due, l.templates.nextTemplate(),
	} {
		if d > 0 && (!any || d < next) {
			next, any = d, true
		}
	}
	if len(l.exits.unreaped) > 0 {
		return askAgain
	}
	if !any {
		return -1
	}
	return max(0, next-l.seams.Now())
}
