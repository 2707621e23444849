package loop

import (
	"errors"

	"github.com/availd/availd/policy"
)

// reload takes over a new configuration, or keeps the old one, and says so to
// the service manager before the workers are rolled over. reply, if not nil, is
// answered when they are.
func (l *Loop) reload(reply chan<- Outcome) {
	if reply != nil {
		l.reloads = append(l.reloads, reply)
	}
	if l.policy.Condition(l.now).Draining {
		l.say(eventRefused, levelInfo, "the reload is ignored: "+ErrDraining.Error())
		l.endReloads(Outcome{Err: ErrDraining})
		return
	}
	l.seams.Reloading()
	settings, err := l.seams.Reconfigure()
	if err != nil {
		l.facts.reload = err.Error()
		l.say(eventRefused, levelError, "the configuration is not reloaded, the old one stays in force: "+err.Error())
		l.seams.Ready(l.compose())
		l.endReloads(Outcome{Err: err})
		return
	}
	l.facts.reload = ""
	l.cfg.Settings = settings
	l.sources.most = settings.MaxPerSource
	if !l.cfg.PerConnection { // sessions go on as they are
		l.say(eventReloading, levelInfo, "the configuration is read, workers are rolled over")
	}
	l.sayCeilings()
	l.apply(l.policy.Reload(l.now, settings.Policy))
	l.seams.Ready(l.compose())
}

// endReload answers those who wait for the roll-out.
func (l *Loop) endReload(a policy.Action) {
	if a.Kind == policy.RollOutDone {
		l.endReloads(Outcome{Replaced: a.Number})
		return
	}
	l.facts.reload = l.cause(a)
	l.endReloads(Outcome{Err: errors.New(l.facts.reload + "; the older workers go on serving")})
}

func (l *Loop) endReloads(o Outcome) {
	for _, reply := range l.reloads {
		reply <- o
	}
	l.reloads = nil
}
