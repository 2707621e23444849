package daemon

import (
	"fmt"
	"strings"
	"time"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/policy"
)

// Rules that have no option.
const (
	quickExit     = time.Second      // a clean end so soon, without work, is a bad start
	stallGuard    = time.Second      // connections wait so long although somebody is idle
	ignoreTimeout = 30 * time.Second // an idle worker may take so long to leave
	abortGrace    = 5 * time.Second  // between SIGABRT and SIGKILL
)

// settings translates the options that a reload may change.
func (d *daemon) settings(cfg config.Config) loop.Settings {
	sig, asks := cfg.Signal()
	if !asks {
		sig = 0
	}
	quiesce := quiesces(cfg)
	s := loop.Settings{
		Template: cfg.Template != config.TemplateOff, TemplatePreload: cfg.Template == config.TemplatePreload, TemplateIdle: cfg.TemplateLeaves(),
		SlowSignal: cfg.SlowNumber(), MaxMemory: cfg.MaxMemory, RetireSignal: sig, Quiesce: quiesce, MaxPerSource: cfg.MaxPerSource, StartTimeout: cfg.StartTimeout, Ceilings: d.ceilings(cfg.Limit), Set: d.shownSets(),
		Policy: policy.Config{
			Limit: cfg.Limit, ThrottleDelay: cfg.Throttle, StressHold: cfg.StressHold,
			StressEligible: d.stressEligible(cfg), IgnoreUnknownExit: true,
			Extensions: policy.Extensions{
				WarnAlways: true, Retire: true, RetireSignal: int(sig), NoRetireSignal: !asks && !quiesce,
				NoStressRestart: !restartsUnderStress(cfg), ThrottleMax: cfg.ThrottleMax,
				ProveReload: true, QuickExit: quickExit, StallGuard: stallGuard, CrashIsNoFailure: true,
				MinSpare: cfg.MinSpare, MaxStarting: cfg.MaxStarting, AsleepApart: cfg.StartingApart, IdleTimeout: cfg.IdleTimeout,
				MaxRequests: cfg.MaxRequests, MaxLifetime: cfg.MaxLifetime,
				StartTimeout: cfg.StartTimeout, ExecTimeout: cfg.StartTimeout, BusyTimeout: cfg.BusyTimeout, SlowAfter: cfg.SlowAfter, Watchdog: cfg.WorkerWatchdog,
				RetireTimeout: cfg.RetireTimeout, IgnoreTimeout: ignoreTimeout,
				StopTimeout: cfg.StopTimeout, AbortGrace: abortGrace, DumpTimeout: cfg.DumpTimeout, ExitIdleTime: d.exitIdleTime(cfg),
			},
		},
	}
	if rules := cfg.Protocol.Rules; rules != nil {
		rules(&s.Policy, protocol.Settings{
			QueueDelay: cfg.QueueDelay, StressAuto: cfg.Stress == config.StressAuto && !saysStress(cfg), RetireNone: cfg.Retire() == config.RetireNone,
			Preload: cfg.Preloads(),
		})
	}
	return s
}

// exitIdleTime: an availd with spares, and one whose sockets are its own, which nobody would
// start again, leaves only if that was asked for.
func (d *daemon) exitIdleTime(cfg config.Config) time.Duration {
	if cfg.ExitIdleByDefault && (d.listened || cfg.MinSpare > 0) {
		return 0
	}
	return cfg.ExitIdleTime
}

// quiesces: programs that know nothing of availd are ended between connections.
// Where a worker may report, it may be taken for one until it does.
func quiesces(cfg config.Config) bool {
	return cfg.Retire() == config.RetireQuiesce || cfg.Protocol.QuiescesUntilReport && cfg.RetireSignal == ""
}

// stressEligible is Postfix's rule for auto: the service can be reached from
// other hosts, and its limit is above 1. Who asks for stress needs only the
// latter: with one worker or no limit there is no last slot worth the name.
func (d *daemon) stressEligible(cfg config.Config) bool {
	if cfg.Stress == config.StressOff || cfg.Limit <= 1 {
		return false
	}
	return cfg.Stress != config.StressAuto || d.isRemote()
}

func (d *daemon) isRemote() bool {
	for _, s := range d.sockets.Workers {
		if s.Remote {
			return true
		}
	}
	return false
}

// restartsUnderStress: with auto, workers are asked to restart when the new
// ones can hear of stress.
func restartsUnderStress(cfg config.Config) bool {
	switch cfg.Stress {
	case config.StressRestart:
		return true
	case config.StressAuto:
		return cfg.Protocol.HearsStress || saysStress(cfg)
	default:
		return false
	}
}

// saysStress: the command itself tells workers.
func saysStress(cfg config.Config) bool {
	return strings.Contains(strings.Join(cfg.Command, "\n"), "{stress}")
}

// reconfigure takes over what prepare has read. On error nothing has changed.
func (d *daemon) reconfigure() (loop.Settings, error) {
	cfg := d.next.cfg
	if cfg.Name == "" {
		cfg.Name = d.cfg.Name
	}
	if fixed, units := config.Changed(d.cfg, cfg); len(fixed) > 0 {
		return loop.Settings{}, fmt.Errorf("%s cannot change in a running service: %s", strings.Join(fixed, ", "), d.restart(units))
	}
	limit := d.cfg.Limit
	cfg, said, err := d.keepSets(cfg)
	if err != nil {
		return loop.Settings{}, err
	}
	d.cfg, d.path, d.directory = cfg, d.next.path, d.next.directory
	d.prepareStarts()
	d.fingerprint, d.program = d.fingerprintOf(), d.next.program
	s := d.settingsAfter(limit)
	s.Changes = said
	return s, nil
}

// restart is what takes a change over that a reload cannot. Units of the generator are made
// anew before.
func (d *daemon) restart(units bool) string {
	if service := unitName(); units && !d.listened && service != "" {
		return "systemctl daemon-reload, then systemctl restart " + strings.TrimSuffix(service, ".service") + ".socket " + service
	}
	return "restart it"
}
