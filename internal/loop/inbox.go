package loop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// request is what another goroutine wants of the loop. One of the channels is
// set; each has room for the answer, so that the loop never waits.
type request struct {
	status chan<- status.Service
	reload chan<- Outcome
	// upgrade asks for one; tried is how a trial went.
	upgrade chan<- error
	tried   *trial
}

// Outcome is how a reload went.
type Outcome struct {
	Replaced int
	Err      error
}

// ErrDraining says that the service is being stopped.
var ErrDraining = errors.New("the service is being stopped")

// Signal hands a signal to the loop. It may be called from any goroutine, which
// must not be the loop's.
func (l *Loop) Signal(sig unix.Signal) {
	l.signals <- sig
	l.bell.ring()
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
func (l *Loop) Reload(ctx context.Context) (Outcome, error) {
	reply := make(chan Outcome, 1)
	return await(ctx, l, request{reload: reply}, reply)
}

func await[T any](ctx context.Context, l *Loop, r request, reply <-chan T) (answer T, err error) {
	select {
	case l.inbox <- r:
	case <-ctx.Done():
		return answer, ctx.Err()
	}
	l.bell.ring()
	select {
	case answer = <-reply:
		return answer, nil
	case <-ctx.Done():
		return answer, ctx.Err()
	}
}

// answerBell empties both queues.
func (l *Loop) answerBell() {
	l.bell.hush()
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
	switch sig {
	case unix.SIGTERM, unix.SIGINT:
		l.stop(sig)
	case unix.SIGHUP:
		l.reload(nil)
	case unix.SIGUSR2:
		l.tryUpgrade(nil)
	default:
		l.say(eventInternal, levelInfo, "signal "+unix.SignalName(sig)+" is ignored")
	}
}

// stop drains; a second one does not wait any more.
func (l *Loop) stop(sig unix.Signal) {
	if l.policy.Condition(l.now).Draining {
		l.say(eventStop, levelWarn, unix.SignalName(sig)+" again: the remaining workers are killed")
		l.apply(l.policy.KillAll(l.now))
		return
	}
	l.say(eventStop, levelInfo, fmt.Sprintf("%s: stopping, %d workers finish what they hold",
		unix.SignalName(sig), len(l.procs)))
	l.endReloads(Outcome{Err: ErrDraining})
	l.hurryLeavers()
	l.apply(l.policy.Stop(l.now))
	l.askForTime()
}

// extendPeriod is how often the service manager is asked for the time that a
// drain takes: it forgets what it has granted when it is reloaded, and ends at once
// what has lasted for longer than TimeoutStopSec= then.
const extendPeriod = time.Second

func (l *Loop) askForTime() {
	l.seams.Stopping(l.compose())
	l.extend = l.now + extendPeriod
}

func (l *Loop) serve(r request) {
	switch {
	case r.status != nil:
		l.recount()
		r.status <- l.snapshot()
	case r.reload != nil:
		l.reload(r.reload)
	case r.upgrade != nil:
		l.tryUpgrade(r.upgrade)
	case r.tried != nil:
		l.tried(r.tried.err)
	}
}
