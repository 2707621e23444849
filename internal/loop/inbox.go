package loop

import (
	"context"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/status"
)

// This file takes what other goroutines want of the loop: signals, questions about the
// status, reloads, upgrades. They write to a channel and wake the loop, which empties
// both in takeInbox, after connections and before exits.

// request is what another goroutine wants of the loop. One of the channels is
// set; each has room for the answer, so that the loop never waits.
type request struct {
	status chan<- status.Service
	past   chan<- Past
	reload chan<- Outcome
	// directory is that of the service, for a reload; prepared is what may take long of
	// one.
	directory string
	prepared  *prepared
	// adjust asks for lines of option=value to be taken over.
	adjust chan<- Adjustment
	lines  string
	// upgrade asks for one; tried is how a trial went.
	upgrade chan<- error
	tried   *trial
	// listened is the outcome of an attempt to make a socket listen again.
	listened *listened
	// path is what somebody has found of a socket's path.
	path *pathState
	// replaced is what the service manager does about a socket.
	replaced *replaced
	// looked is what was found of workers that are retired.
	looked *looked
	// observed is what looks at workers have found.
	observed *observed
	// found is what a look at the sockets and workers has found.
	found *inspect.Answer
	// explained is what was found of workers whose requests take long.
	explained []activity.Activity
	// works is what was found of the requests of workers that do not report.
	works *works
	// sizes is how much memory workers take.
	sizes *sizes
	// foreign is what was found of a template.
	foreign *foreign
}

// Outcome is how a reload went.
type Outcome struct {
	Replaced int
	Err      error
}

// ErrDraining says that the service is being stopped.
var ErrDraining error = event.BeingStopped.With()

// Signal hands a signal to the loop. It may be called from any goroutine, which
// must not be the loop's.
func (l *Loop) Signal(sig unix.Signal) {
	l.signals <- sig
	l.wake.wake()
}

// sigRTMIN3 is SIGRTMIN+3 as systemd and glibc number it, which ends a container that
// is booted (systemd(1)).
const sigRTMIN3 = unix.Signal(34 + 3)

// StopSignals are those that stop the service: TERM, what people send from a terminal,
// and what service managers and container runtimes send according to program (KillSignal=
// of systemd.kill(5), STOPSIGNAL of an image).
var StopSignals = []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGABRT, unix.SIGPWR, sigRTMIN3}

func signalName(sig unix.Signal) string {
	if sig == sigRTMIN3 {
		return "SIGRTMIN+3"
	}
	return unix.SignalName(sig)
}

// Ask returns the state of the service. It may be called from any goroutine.
func (l *Loop) Ask(ctx context.Context) (status.Service, error) {
	reply := make(chan status.Service, 1)
	return await(ctx, l, request{status: reply}, reply)
}

// Upgrade tries the binary that is installed now. A nil error means that this
// process is about to become it. It may be called from any goroutine.
func (l *Loop) Upgrade(ctx context.Context) error {
	reply := make(chan error, 1)
	err, failed := await(ctx, l, request{upgrade: reply}, reply)
	if failed != nil {
		return failed
	}
	return err
}

// Reload reads the configuration again and waits until the workers are rolled
// over. It may be called from any goroutine.
//
// directory is the working directory of the service, by whoever knows where its path
// leads now; "" = nobody does.
func (l *Loop) Reload(ctx context.Context, directory string) (Outcome, error) {
	reply := make(chan Outcome, 1)
	return await(ctx, l, request{reload: reply, directory: directory}, reply)
}

// Adjust takes over lines of option=value without a reload, and returns when they are in
// force. It may be called from any goroutine.
func (l *Loop) Adjust(ctx context.Context, lines string) (Adjustment, error) {
	reply := make(chan Adjustment, 1)
	return await(ctx, l, request{adjust: reply, lines: lines}, reply)
}

func await[T any](ctx context.Context, l *Loop, r request, reply <-chan T) (answer T, err error) {
	select {
	case l.inbox <- r:
	case <-ctx.Done():
		return answer, ctx.Err()
	}
	l.wake.wake()
	select {
	case answer = <-reply:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// takeInbox empties both queues.
func (l *Loop) takeInbox() {
	l.wake.clear()
	for {
		select {
		case sig := <-l.signals:
			l.obey(sig)
		case r := <-l.inbox:
			l.serve(r)
		default:
			return
		}
	}
}

func (l *Loop) obey(sig unix.Signal) {
	if slices.Contains(StopSignals, sig) {
		l.stop(sig)
		return
	}
	switch sig {
	case unix.SIGHUP:
		l.reloads.begin(nil, "")
	case unix.SIGCHLD:
		l.strangers.died(l.now)
	case unix.SIGUSR2:
		l.upgrade.try(nil)
	default:
		l.say(event.SignalIgnored, event.Signal(signalName(sig)))
	}
}

// stop drains; a second one does not wait any more.
func (l *Loop) stop(sig unix.Signal) {
	if l.draining() && !l.sockets.downs.leaving {
		l.say(event.StoppingNow, event.Signal(signalName(sig)))
		l.apply(l.policy.KillAll(l.now))
		return
	}
	l.say(event.Stopping, event.Signal(signalName(sig)), event.Workers(len(l.procs)))
	l.sockets.downs.leaving = false
	l.drain()
}

// drain has all workers retire, and ends the loop when the last one has.
func (l *Loop) drain() {
	l.reloads.answer(Outcome{Err: ErrDraining})
	l.retirees.hurry()
	l.retirees.askHeirs()
	l.templates.retireTemplates()
	l.apply(l.policy.Stop(l.now))
	l.line.askForTime()
}

func (l *Loop) serve(r request) {
	switch {
	case r.status != nil:
		l.askers.ask(r.status)
	case r.past != nil:
		l.board.recount()
		r.past <- l.load.past.picture()
	case r.reload != nil:
		l.reloads.begin(r.reload, r.directory)
	case r.prepared != nil:
		l.reloads.prepared(r.prepared.err)
	case r.adjust != nil:
		r.adjust <- l.adjust(r.lines)
	case r.upgrade != nil:
		l.upgrade.try(r.upgrade)
	case r.observed != nil:
		l.observing.observed(r.observed.seen)
	case r.tried != nil:
		l.upgrade.tried(r.tried.err)
	case r.path != nil:
		l.sockets.pathGone(*r.path)
	case r.listened != nil:
		if l.sockets.listened(*r.listened) {
			l.reloads.begin(nil, "") // workers that have the old one hear of no client
		}
	case r.replaced != nil:
		if l.sockets.replaced(*r.replaced) {
			l.drain()
		}
	case r.looked != nil:
		l.retirees.looked(r.looked.held)
	case r.found != nil:
		l.inspection.inspected(r.found)
		if !l.inspection.findsAges() {
			l.askers.answer()
		}
	case r.explained != nil:
		l.slowness.looked(r.explained)
	case r.works != nil:
		l.work.looked(r.works.found)
	case r.sizes != nil:
		l.sizing.measured(r.sizes.found)
	case r.foreign != nil:
		l.templates.foundForeign(*r.foreign)
	}
}
