package daemon

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Rules that have no option.
const (
	quickExit     = time.Second      // a clean end so soon, without work, is a bad start
	stallGuard    = time.Second      // connections wait so long although somebody is idle
	provenAfter   = time.Second      // who does not report is taken for ready at that age
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
		RetireSignal: sig, Quiesce: quiesce, MaxPerSource: cfg.MaxPerSource, Ceilings: d.ceilings(cfg.Limit),
		Policy: policy.Config{
			Limit: cfg.Limit, ThrottleDelay: cfg.Throttle, StressHold: cfg.StressHold,
			StressEligible: d.stressEligible(cfg), IgnoreUnknownExit: true,
			Extensions: policy.Extensions{
				WarnAlways: true, Retire: true, RetireSignal: int(sig), NoRetireSignal: !asks && !quiesce,
				NoStressRestart: !restartsUnderStress(cfg), ThrottleMax: cfg.ThrottleMax,
				QuickExit: quickExit, StallGuard: stallGuard,
				MinSpare: cfg.MinSpare, MaxStarting: cfg.MaxStarting, IdleTimeout: cfg.IdleTimeout,
				MaxRequests: cfg.MaxRequests, MaxLifetime: cfg.MaxLifetime,
				StartTimeout: cfg.StartTimeout, BusyTimeout: cfg.BusyTimeout, Watchdog: cfg.WorkerWatchdog,
				RetireTimeout: cfg.RetireTimeout, IgnoreTimeout: ignoreTimeout,
				StopTimeout: cfg.StopTimeout, AbortGrace: abortGrace, ExitIdleTime: cfg.ExitIdleTime,
			},
		},
	}
	switch cfg.Protocol {
	case config.ProtocolInetd:
		sessionRules(&s.Policy)
	case config.ProtocolAuto, config.ProtocolQueue, config.ProtocolFastCGI:
		s.Policy.QueueDelay, s.Policy.ProvenAfter = cfg.QueueDelay, provenAfter
		s.Policy.StressAfterReport = cfg.Stress == config.StressAuto && !saysStress(cfg)
	case config.ProtocolPostfix:
		postfixRules(cfg, &s.Policy)
	}
	return s
}

// quiesces: programs that know nothing of availd are ended between connections.
// With auto a worker is taken for one until it reports.
func quiesces(cfg config.Config) bool {
	return cfg.Retire() == config.RetireQuiesce || cfg.Protocol == config.ProtocolAuto && cfg.RetireSignal == ""
}

// sessionRules are those of workers that are born with their connection: they
// are never signalled but by a stop, and their clients' doing is not theirs.
func sessionRules(p *policy.Config) {
	p.PerConnection, p.ExecFailed, p.TermAtHalf = true, spawn.ExitExec, true
	p.NoRetireSignal, p.NoStressRestart, p.AbortSignal = true, true, int(unix.SIGTERM)
	p.QuickExit, p.StallGuard, p.StartTimeout, p.MaxStarting = 0, 0, 0, 1
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
// ones can hear of stress. Workers of the notify protocol can, in AVAILD_STRESS.
func restartsUnderStress(cfg config.Config) bool {
	switch cfg.Stress {
	case config.StressRestart:
		return true
	case config.StressAuto:
		return cfg.Protocol == config.ProtocolAuto || cfg.Protocol == config.ProtocolNotify ||
			cfg.Protocol == config.ProtocolPostfix || saysStress(cfg)
	default:
		return false
	}
}

// saysStress: the command itself tells workers.
func saysStress(cfg config.Config) bool {
	return strings.Contains(strings.Join(cfg.Command, "\n"), "{stress}")
}

// reconfigure reads the configuration again. On error nothing has changed.
func (d *daemon) reconfigure() (loop.Settings, error) {
	cfg, err := config.Load(d.options.Settings, d.options.Command)
	if err != nil {
		return loop.Settings{}, err
	}
	if cfg.Name == "" {
		cfg.Name = d.cfg.Name
	}
	if fixed := config.Changed(d.cfg, cfg); len(fixed) > 0 {
		return loop.Settings{}, fmt.Errorf("%s cannot change in a running service: restart it", strings.Join(fixed, ", "))
	}
	d.cfg = cfg
	d.prepareBirths()
	return d.settings(cfg), nil
}
