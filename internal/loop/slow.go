package loop

import (
	"errors"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file explains requests that take long (--slow-after). The policy says that a worker
// has been at one for so long (note); a turn has such workers looked at (look), by another
// goroutine, as what is read belongs to other processes; and the answer becomes a message
// (looked), if the worker is still at that request.

// Bounds of the looks. What is beyond mostSlow has no place in the log either.
const (
	slowAtOnce = 16
	mostSlow   = 256
)

// slowRequest is a request that takes long.
type slowRequest struct {
	worker     int
	generation uint64
	since      policy.Instant
}

// explanation is what a worker was seen to do at the request that began then.
type explanation struct {
	since policy.Instant
	doing string
}

// slowness are those that are to be explained. There is one round of looks at a time.
type slowness struct {
	*core
	waiting []slowRequest
	asked   []slowRequest // that are being looked at
}

// note books what the policy says.
func (s *slowness) note(a policy.Action) {
	if len(s.waiting) < mostSlow {
		s.waiting = append(s.waiting, slowRequest{a.Worker, a.Generation, a.Until})
	}
}

// look ends a turn.
func (s *slowness) look() {
	if len(s.asked) > 0 || len(s.waiting) == 0 {
		return
	}
	n := min(len(s.waiting), slowAtOnce)
	s.asked = append(s.asked, s.waiting[:n]...)
	s.waiting = slices.Delete(s.waiting, 0, n)
	if s.seams.Explain == nil {
		s.looked(make([]activity.Activity, n))
		return
	}
	questions := make([]activity.Question, 0, n)
	for _, r := range s.asked {
		questions = append(questions, activity.Question{PID: r.worker, Signal: s.cfg.SlowSignal})
	}
	s.seams.Explain(questions, func(found []activity.Activity) {
		s.post(request{explained: found})
	})
}

// looked acts on what was found. A request that was finished meanwhile was counted; what
// was seen may be of the next one.
func (s *slowness) looked(found []activity.Activity) {
	for i, r := range s.asked {
		p := s.procs[r.worker]
		since, serves := s.policy.ServingSince(r.worker)
		if p == nil || p.generation != r.generation || !serves || since != r.since {
			continue
		}
		p.explained = explanation{since, doing(found[i]).Error()}
		s.tell(p, s.now-since, found[i])
		s.signal(p, found[i])
	}
	s.asked = s.asked[:0]
}

// tell says it.
func (s *slowness) tell(p *proc, took time.Duration, a activity.Activity) {
	fields := event.Doing(a.State, p.text)
	if a.Over > 0 {
		s.say(event.SlowRequest, event.Worker(p.PID, p.generation), event.Took(took), event.Cause(doing(a)), fields, event.CPU(a.CPU, a.Over))
		return
	}
	s.say(event.SlowRequest, event.Worker(p.PID, p.generation), event.Took(took), event.Cause(doing(a)), fields)
}

// doing is what a worker was seen to do at its present request; nil = it was not looked at.
func (o *shown) doing(p *proc) *string {
	since, serves := o.policy.ServingSince(p.PID)
	if p.explained.doing == "" || !serves || since != p.explained.since {
		return nil
	}
	return &p.explained.doing
}

// signal has the worker say itself where it is, if it can.
func (s *slowness) signal(p *proc, a activity.Activity) {
	sig := s.cfg.SlowSignal
	switch {
	case sig == 0 || a.Kind == activity.Unseen:
	case !a.Catches:
		s.say(event.SlowSignalUnhandled, event.Worker(p.PID, p.generation), event.Signal(signalName(sig)))
	default:
		err := s.seams.Signal(p.Process, sig, false)
		if err != nil && !errors.Is(err, unix.ESRCH) { // it has ended, as its pidfd is about to say
			s.say(event.NotSignalled, event.Worker(p.PID, p.generation), event.Cause(err))
		}
	}
}

// doing are the words for what a worker was seen to do.
func doing(a activity.Activity) *event.Reason {
	call, on := event.Call(a.Call), event.On(a.On)
	switch {
	case a.Kind == activity.Computes:
		return event.Computes.With(event.Share(a.CPU, a.Over))
	case a.Kind == activity.Sleeps:
		return event.Sleeps.With(call)
	case a.Kind == activity.Stopped:
		return event.IsStopped.With()
	case a.Kind == activity.Hidden && a.On == "":
		return event.CallHidden.With()
	case a.Kind == activity.Hidden:
		return event.CallHiddenIn.With(event.Function(a.On))
	case a.Kind == activity.Stuck && a.Call == "":
		return event.StuckAnywhere.With()
	case a.Kind == activity.Stuck && a.On == "":
		return event.Stuck.With(call)
	case a.Kind == activity.Stuck:
		return event.StuckOn.With(call, on)
	case a.Kind == activity.Waits && a.Call == "":
		return event.WaitsForMemory.With()
	case a.Kind == activity.Waits && a.On == "":
		return event.Waits.With(call)
	case a.Kind == activity.Waits:
		return event.WaitsFor.With(call, on)
	default:
		return event.NotLookedAt.With()
	}
}
