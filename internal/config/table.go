package config

import (
	"time"

	"github.com/availd/availd/internal/protocol"
)

const (
	most     = 1_000_000     // workers: below the kernel's largest pid_max, 4194304
	mostJobs = 1_000_000_000 // fits an int of 32 bits
)

// table is every option of "availd run", in the order of the help. It is
// never written to.
var table = []Option{
	// Pool
	{
		Name: "limit", Arg: "N", Default: "100", Group: groupPool, Common: true, Reloadable: true, Settable: true,
		Help: "at most N workers at once, or unlimited",
		kind: number(func(c *Config) *int { return &c.Limit }, 0, most, unlimited),
	},
	{
		Name: "min-spare", Arg: "N", Default: "0", Group: groupPool, Common: true, Reloadable: true, Settable: true,
		Help: "keep N idle workers ready",
		kind: number(func(c *Config) *int { return &c.MinSpare }, 0, most, zeroCounts),
	},
	{
		Name: "max-starting", Arg: "N", Default: "auto", Group: groupPool, Reloadable: true, Settable: true,
		Help: "at most N workers at once that are not ready yet; auto = number of CPUs, without those that wait",
		kind: numberOrCPUs(func(c *Config) *int { return &c.MaxStarting }, func(c *Config) *bool { return &c.StartingApart }, 1, most),
	},
	{
		Name: "max-requests", Arg: "N", Default: "never", Group: groupPool, Common: true, Reloadable: true,
		Help: "retire a worker after N requests, or never",
		kind: number(func(c *Config) *int { return &c.MaxRequests }, 0, mostJobs, never),
	},
	{
		Name: "max-memory", Arg: "SIZE", Default: "never", Group: groupPool, Reloadable: true,
		Help: "retire a worker between requests that takes more memory than SIZE, or never",
		kind: sizeOrNever(func(c *Config) *int64 { return &c.MaxMemory }),
	},
	{
		Name: "protocol", Arg: "PROTOCOL", Default: protocol.All[0].Name, Group: groupPool, Common: true,
		Help: "how availd and the program work together; PROTOCOL is " + orLast(protocol.Names()),
		kind: protocolKind(),
	},
	{
		Name: "template", Arg: "MODE", Default: string(TemplateOff), Group: groupPool, Common: true,
		Help: "fork workers from one process that has loaded everything: MODE worker = the command does so by itself; preload = it is made to; off",
		kind: word(func(c *Config) *TemplateMode { return &c.Template }, TemplateOff, TemplateWorker, TemplatePreload),
	},
	{
		Name: "preload", Arg: "WHAT", Default: PreloadNo, Group: groupPool,
		Help: "queue, fastcgi: workers report through a shared object; WHAT is yes, no or its path",
		kind: preload(func(c *Config) *string { return &c.Preload }),
	},
	{
		Name: "name", Arg: "NAME", DefaultText: "the unit's name, else the command's", Group: groupPool,
		Help: "call the service NAME in logs, status and metrics",
		kind: text(func(c *Config) *string { return &c.Name }, acceptsName, checkName),
	},
	{
		Name: "listen", Arg: "ADDR", Group: groupPool, Repeatable: true,
		Help: "without systemd: listen on ADDR, which is port, host:port, /path or @abstract (repeatable)",
		kind: list(func(c *Config) *[]string { return &c.Listen }, acceptsListen, checkListen),
	},
	{
		Name: "config", Arg: "FILE", Group: groupPool, CommandLineOnly: true,
		Help: "read further options from FILE, lines of option=value, again on reload; the command line wins",
		kind: text(func(c *Config) *string { return &c.File }, "the path of a file", checkPlain),
	},

	// Timeouts
	{
		Name: "idle-timeout", Arg: "DUR", Default: "100s", Group: groupTimeouts, Common: true, Reloadable: true, Settable: true,
		Help: "retire the workers that stayed surplus for DUR, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.IdleTimeout }),
	},
	{
		Name: "template-idle", Arg: "DUR", DefaultText: "ten times the idle timeout", Group: groupTimeouts, Reloadable: true,
		Help: "end the template when there was no worker for DUR, or never",
		kind: spanOrUnset(func(c *Config) **time.Duration { return &c.TemplateIdle }),
	},
	{
		Name: "max-lifetime", Arg: "DUR", Default: "never", Group: groupTimeouts, Reloadable: true,
		Help: "retire a worker that is DUR old, +/- 10 %, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.MaxLifetime }),
	},
	{
		Name: "start-timeout", Arg: "DUR", Default: "30s", Group: groupTimeouts, Reloadable: true,
		Help: "abort a worker that is not ready DUR after its start, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.StartTimeout }),
	},
	{
		Name: "busy-timeout", Arg: "DUR", Default: "never", Group: groupTimeouts, Common: true, Reloadable: true,
		Help: "abort a worker that is busy for DUR, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.BusyTimeout }),
	},
	{
		Name: "slow-after", Arg: "DUR", Default: "never", Group: groupTimeouts, Reloadable: true, Settable: true,
		Help: "log once what a worker does that has been at one request for DUR, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.SlowAfter }),
	},
	{
		Name: "retire-timeout", Arg: "DUR", Default: "never", Group: groupTimeouts, Reloadable: true,
		Help: "kill a retired worker that is still busy after DUR, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.RetireTimeout }),
	},
	{
		Name: "dump-timeout", Arg: "DUR", Default: "2min", Group: groupTimeouts, Reloadable: true,
		Help: "give an aborted worker up to DUR to write its core dump before it is killed, beyond the 5 s that it has without one",
		kind: spanOrZero(func(c *Config) *time.Duration { return &c.DumpTimeout }),
	},
	{
		Name: "stop-timeout", Arg: "DUR", Default: "30s", Group: groupTimeouts, Common: true, Reloadable: true,
		Help: "on stop, kill the workers that are left after DUR",
		kind: span(func(c *Config) *time.Duration { return &c.StopTimeout }),
	},
	{
		Name: "exit-idle-time", Arg: "DUR", Default: "never", Group: groupTimeouts, Common: true, Reloadable: true,
		Help: "exit after DUR without a worker or a waiting connection, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.ExitIdleTime }),
	},

	// Overload
	{
		Name: "stress", Arg: "MODE", Default: string(StressAuto), Group: groupOverload, Reloadable: true,
		Help: "notify workers of overload: MODE restart = replace all; flag = new workers only; auto; off",
		kind: word(func(c *Config) *StressMode { return &c.Stress },
			StressAuto, StressRestart, StressFlag, StressOff),
	},
	{
		Name: "stress-hold", Arg: "DUR", Default: "1000s", Group: groupOverload, Reloadable: true,
		Help: "the overload (stress) lasts for DUR after the limit was last reached",
		kind: span(func(c *Config) *time.Duration { return &c.StressHold }),
	},
	{
		Name: "throttle", Arg: "DUR", Default: "1s", Group: groupOverload, Reloadable: true,
		Help: "start no worker for DUR after a startup failure, doubled after each further one",
		kind: span(func(c *Config) *time.Duration { return &c.Throttle }),
	},
	{
		Name: "throttle-max", Arg: "DUR", Default: "60s", Group: groupOverload, Reloadable: true,
		Help: "double the throttle up to DUR",
		kind: span(func(c *Config) *time.Duration { return &c.ThrottleMax }),
	},
	{
		Name: "max-per-source", Arg: "N", Default: "unlimited", Group: groupOverload, Reloadable: true,
		Help: "inetd: close connections of a client that has N already; or unlimited",
		kind: number(func(c *Config) *int { return &c.MaxPerSource }, 0, most, unlimited),
	},

	// Expert
	{
		Name: "retire-signal", Arg: "SIGNAL", DefaultText: "by protocol", Group: groupExpert, Common: true, Reloadable: true,
		Help: "retire a worker with SIGNAL; quiesce = end it once it holds no connection; none = do not ask",
		kind: retireSignal(func(c *Config) *string { return &c.RetireSignal }),
	},
	{
		Name: "slow-signal", Arg: "SIGNAL", Default: SlowNone, Group: groupExpert, Reloadable: true,
		Help: "send SIGNAL to a worker after slow-after, if it handles it, to have it print its stack; none",
		kind: slowSignal(func(c *Config) *string { return &c.SlowSignal }),
	},
	{
		Name: "worker-watchdog", Arg: "DUR", Default: "never", Group: groupExpert, Reloadable: true,
		Help: "abort a worker that sends no WATCHDOG=1 for DUR, or never",
		kind: spanOrNever(func(c *Config) *time.Duration { return &c.WorkerWatchdog }),
	},
	{
		Name: "queue-delay", Arg: "DUR", Default: "20ms", Group: groupExpert, Reloadable: true,
		Help: "queue, fastcgi: all workers are busy when connections wait for DUR",
		kind: span(func(c *Config) *time.Duration { return &c.QueueDelay }),
	},
	{
		Name: "notify-access", Arg: "WHO", Default: string(AccessMain), Group: groupExpert,
		Help: "believe the reports of WHO: main = the worker, all = its descendants too",
		kind: word(func(c *Config) *Access { return &c.NotifyAccess }, AccessMain, AccessAll),
	},
	{
		Name: "notify-socket", Arg: "PATH", DefaultText: "in the runtime directory, else abstract", Group: groupExpert,
		Help: "receive reports on PATH or @abstract, for workers that change their root directory",
		kind: text(func(c *Config) *string { return &c.NotifySocket }, acceptsUnix, checkUnix),
	},
	{
		Name: "control", Arg: "PATH", DefaultText: "$RUNTIME_DIRECTORY/control", Group: groupExpert,
		Help: "answer status and reload requests on PATH",
		kind: text(func(c *Config) *string { return &c.Control }, acceptsPath, checkPath),
	},
	{
		Name: "log-level", Arg: "LEVEL", Default: "info", Group: groupExpert, Reloadable: true,
		Help: "log messages of LEVEL and above: debug, info, warn or error",
		kind: word(func(c *Config) *string { return &c.LogLevel }, "debug", "info", "warn", "error"),
	},
	{
		Name: "log-format", Arg: "FORMAT", Default: "auto", Group: groupExpert,
		Help: "write messages in FORMAT: text, json, journal or auto",
		kind: word(func(c *Config) *string { return &c.LogFormat }, "auto", "text", "json", "journal"),
	},
}
