package loop

import (
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file carries a reload out: prepare.go reads the new configuration in another
// goroutine, takeOver gives it to the policy, and end answers whoever asked when
// the rolling restart has ended.

// begin takes over a new configuration, or keeps the old one, and says so to
// the service manager before the rolling restart. reply, if not nil, is
// answered when that is over. directory is the working directory of the service by
// whoever knows it, "" = nobody does.
func (r *reloads) begin(reply chan<- Outcome, directory string) {
	if reply != nil {
		r.waiting = append(r.waiting, reply)
	}
	if r.draining() {
		r.say(event.ReloadIgnored, event.Cause(ErrDraining))
		r.answer(Outcome{Err: ErrDraining})
		return
	}
	r.seams.Reloading()
	if r.seams.Prepare == nil {
		r.takeOver(nil)
		return
	}
	if directory != "" {
		r.directory = directory
	}
	r.prepare()
}

// takeOver ends the reload or begins the rolling restart, when what may take long is
// done.
func (r *reloads) takeOver(err error) {
	var settings Settings
	if err == nil {
		settings, err = r.seams.Reconfigure()
	}
	if err != nil {
		r.refused()
		r.facts.reload = err
		r.say(event.ReloadRefused, event.Cause(err))
		r.seams.Ready(r.line.compose())
		r.answer(Outcome{Err: err})
		return
	}
	r.facts.reload = nil
	r.adopt(settings)
	if !r.cfg.PerConnection { // sessions go on as they are
		r.say(event.Reloading)
	}
	r.saySettings()
	r.apply(r.policy.Reload(r.now, settings.Policy))
	r.seams.Ready(r.line.compose())
}

// end answers those who wait for the rolling restart.
func (r *reloads) end(a policy.Action) {
	if a.Kind == policy.RollingDone {
		r.answer(Outcome{Replaced: a.Number})
		return
	}
	if a.Kind == policy.RollingWaits {
		r.answer(Outcome{Err: event.NoRoomForTest.With()})
		return
	}
	r.facts.reload = r.cause(a)
	err := r.facts.reload
	if a.Number > 0 {
		err = event.OlderGoOn.With(event.Cause(err))
	}
	r.answer(Outcome{Err: err})
}

func (r *reloads) answer(o Outcome) {
	for _, reply := range r.waiting {
		reply <- o
	}
	r.waiting = nil
}
