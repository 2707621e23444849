package policy

import "time"

// This file has the configuration. The zero value is the original policy of FORMAT.md;
// every extension is off in it. New and Reload take it over, and every other file reads
// it.

// Constants of the original, used where a Config leaves a duration 0.
const (
	// StressHold is how long a stress window lasts after the spawn that
	// (again) filled the last slot (config.stress_hold_s of FORMAT.md).
	StressHold = 1000 * time.Second
	// WarnInterval is the least time between two limit warnings
	// (config.busy_warn_interval_s of FORMAT.md).
	WarnInterval = 1000 * time.Second
)

// Config are the rules of one service. The zero value of every field but the
// first three is the behaviour of the original, without any extension.
type Config struct {
	// Limit is the most workers at once; 0 = no limit.
	Limit int
	// StressEligible says whether a full pool opens a stress window. The
	// caller works it out (FORMAT.md, "Eligibility").
	StressEligible bool
	// ThrottleDelay is how long worker creation pauses after trouble.
	ThrottleDelay time.Duration
	// StressHold replaces the constant of that name unless 0.
	StressHold time.Duration
	// IgnoreUnknownExit drops the end of a process that is not in the table
	// (FORMAT.md, unknown_exit "ignore") instead of giving up.
	IgnoreUnknownExit bool

	Extensions
}

// Extensions are the departures from the original. Each is off when its fields
// are zero.
type Extensions struct {
	// WarnAlways lets a service that is not stress-eligible warn when full.
	WarnAlways bool
	// NoStressRestart opens the window and flags new workers, but asks no
	// running worker to restart.
	NoStressRestart bool
	// StressAfterReport asks nobody to restart while availability is inferred: who
	// does not report is not known to hear of stress.
	StressAfterReport bool
	// Retire makes "asked to retire" part of the table: a restart, a reload or
	// a stop retires workers, which are not available from that moment, and
	// whose end is no failure. Without it a restart changes nothing but the
	// channel, as in the original.
	Retire bool
	// ProveReload tests one worker of what a reload brings before an older one is
	// retired for it; see proof.
	ProveReload bool
	// NoRetireSignal says that workers cannot be asked: they exit when they
	// like, and only a stop that has run out of patience ends them.
	NoRetireSignal bool
	// RetireSignal is the signal by which workers are asked; an end by it is
	// not worth a warning.
	RetireSignal int
	// PerConnection: every worker serves the one connection it is started with.
	PerConnection bool
	// ExecFailed is the exit status of a worker whose command could not be
	// executed; 0 = there is none.
	ExecFailed int
	// TermAtHalf sends SIGTERM when half of StopTimeout is over, to workers that
	// were not asked to retire before.
	TermAtHalf bool
	// AbortSignal replaces SIGABRT as the first rung of the ladder unless 0.
	AbortSignal int
	// ThrottleMax, when above ThrottleDelay, makes each pause twice as long
	// as the one before, up to this.
	ThrottleMax time.Duration
	// QuickExit is how soon after its start a clean end of a worker that
	// served nothing counts as bad; QuickExits (0 = 1) how many in a row.
	QuickExit  time.Duration
	QuickExits int
	// CrashIsNoFailure: the crash of a worker that had taken a connection is no
	// startup failure, unless everything crashes; see crash.go.
	CrashIsNoFailure bool
	// StallGuard is how long connections may wait, without any sign of life,
	// while the table says that somebody is available.
	StallGuard time.Duration
	// QueueDelay turns the inference on: workers do not report, and all of them
	// are busy when connections have waited for so long. A report ends it.
	QueueDelay time.Duration
	// MinSpare is how many available workers are kept without a connection.
	MinSpare int
	// MaxStarting is how many unproven workers there may be; 0 = 1.
	MaxStarting int
	// AsleepApart: those of them that are seen to wait ([Service.Asleep]) do not count.
	AsleepApart bool
	// IdleTimeout is the window over which the smallest number of idle
	// workers, less MinSpare, proves to be superfluous.
	IdleTimeout time.Duration
	// MaxRequests and MaxLifetime (each ± 10 %, so that workers started together
	// do not retire together) retire a worker.
	MaxRequests int
	MaxLifetime time.Duration
	// StartTimeout, BusyTimeout: unproven / busy for longer is aborted.
	StartTimeout time.Duration
	BusyTimeout  time.Duration
	// SlowAfter is how long one request takes until that is said, once.
	SlowAfter time.Duration
	// ExecTimeout: a worker whose command is not executed for longer is aborted.
	ExecTimeout time.Duration
	// ProvenAfter is the age at which a worker is taken for proven, where none
	// says so itself; 0 = only its own word counts.
	ProvenAfter time.Duration
	// ProvenByReport has only a worker's own word prove it while workers report, also
	// with ProvenAfter.
	ProvenByReport bool
	// Watchdog is the longest silence of a proven worker.
	Watchdog time.Duration
	// RetireTimeout ends a retired worker that stays busy; IgnoreTimeout one
	// that stays idle; StopTimeout all that outlive a stop.
	RetireTimeout time.Duration
	IgnoreTimeout time.Duration
	StopTimeout   time.Duration
	// ExitIdleTime is how long a service without workers stays.
	ExitIdleTime time.Duration
	// AbortGrace is the time between the ladder's SIGABRT and its SIGKILL.
	AbortGrace time.Duration
	// DumpTimeout bounds how much longer than that Dumping may put SIGKILL off.
	DumpTimeout time.Duration
}

func (c *Config) stressHold() time.Duration {
	if c.StressHold > 0 {
		return c.StressHold
	}
	return StressHold
}

func (c *Config) maxStarting() int { return max(1, c.MaxStarting) }

// oneStarts: there is one at a time, whoever waits.
func (c *Config) oneStarts() bool { return c.maxStarting() == 1 && !c.AsleepApart }
