package config

import "time"

const (
	most     = 1_000_000     // workers: below the kernel's largest pid_max, 4194304
	mostJobs = 1_000_000_000 // fits an int of 32 bits
)

// table is every option of "availd run", in the order of the help. It is
// never written to.
var table = []Option{
	// Pool
	{
		Name: "limit", Arg: "N", Default: "100", Group: groupPool, Reloadable: true,
		Help: "at most N workers at once; 0 = no limit",
		kind: number(func(c *Config) *int { return &c.Limit }, 0, most, "0 = no limit"),
	},
	{
		Name: "min-spare", Arg: "N", Default: "0", Group: groupPool, Reloadable: true,
		Help: "keep N idle workers ready",
		kind: number(func(c *Config) *int { return &c.MinSpare }, 0, most, ""),
	},
	{
		Name: "max-starting", Arg: "N", Default: "1", Group: groupPool, Reloadable: true,
		Help: "at most N workers at once that are not ready yet; auto = number of CPUs",
		kind: numberOrCPUs(func(c *Config) *int { return &c.MaxStarting }, 1, most),
	},
	{
		Name: "max-requests", Arg: "N", Default: "0", Group: groupPool, Reloadable: true,
		Help: "retire a worker after N jobs; 0 = never",
		kind: number(func(c *Config) *int { return &c.MaxRequests }, 0, mostJobs, "0 = any number"),
	},
	{
		Name: "protocol", Arg: "PROTOCOL", Default: string(ProtocolAuto), Group: groupPool,
		Help: "how workers get the sockets and report; PROTOCOL is auto, notify, queue, fastcgi, inetd or postfix",
		kind: word(func(c *Config) *Protocol { return &c.Protocol },
			ProtocolAuto, ProtocolNotify, ProtocolQueue, ProtocolFastCGI, ProtocolInetd, ProtocolPostfix),
	},
	{
		Name: "name", Arg: "NAME", DefaultText: "the unit's name, else the command's", Group: groupPool,
		Help: "call the service NAME in logs, status and metrics",
		kind: text(func(c *Config) *string { return &c.Name }, acceptsName, checkName),
	},
	{
		Name: "listen", Arg: "ADDR", Group: groupPool, Repeatable: true,
		Help: "without systemd: listen on ADDR, which is host:port, /path or @abstract (repeatable)",
		kind: list(func(c *Config) *[]string { return &c.Listen }, acceptsListen, checkListen),
	},
	{
		Name: "config", Arg: "FILE", Group: groupPool, CommandLineOnly: true,
		Help: "read further options from FILE, lines of option=value, again on reload; the command line wins",
		kind: text(func(c *Config) *string { return &c.File }, "the path of a file", checkPlain),
	},

	// Timeouts
	{
		Name: "idle-timeout", Arg: "DUR", Default: "100s", Group: groupTimeouts, Reloadable: true,
		Help: "retire the workers that were not needed during DUR; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.IdleTimeout }, offAllowed),
	},
	{
		Name: "max-lifetime", Arg: "DUR", Default: "0", Group: groupTimeouts, Reloadable: true,
		Help: "retire a worker that is DUR old, give or take a tenth; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.MaxLifetime }, offAllowed),
	},
	{
		Name: "start-timeout", Arg: "DUR", Default: "30s", Group: groupTimeouts, Reloadable: true,
		Help: "abort a worker that is not ready DUR after its birth; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.StartTimeout }, offAllowed),
	},
	{
		Name: "busy-timeout", Arg: "DUR", Default: "0", Group: groupTimeouts, Reloadable: true,
		Help: "abort a worker that is busy for DUR; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.BusyTimeout }, offAllowed),
	},
	{
		Name: "retire-timeout", Arg: "DUR", Default: "0", Group: groupTimeouts, Reloadable: true,
		Help: "kill a retired worker that is still busy after DUR; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.RetireTimeout }, offAllowed),
	},
	{
		Name: "stop-timeout", Arg: "DUR", Default: "30s", Group: groupTimeouts, Reloadable: true,
		Help: "on stop, kill the workers that are left after DUR",
		kind: span(func(c *Config) *time.Duration { return &c.StopTimeout }, offRefused),
	},
	{
		Name: "exit-idle-time", Arg: "DUR", Default: "0", Group: groupTimeouts, Reloadable: true,
		Help: "leave after DUR without a worker or a waiting connection; 0 = never",
		kind: span(func(c *Config) *time.Duration { return &c.ExitIdleTime }, offAllowed),
	},

	// Overload
	{
		Name: "stress", Arg: "MODE", Default: string(StressAuto), Group: groupOverload, Reloadable: true,
		Help: "who hears of an overload: MODE restart = all workers, by a restart; flag = new workers; auto; off",
		kind: word(func(c *Config) *StressMode { return &c.Stress },
			StressAuto, StressRestart, StressFlag, StressOff),
	},
	{
		Name: "stress-hold", Arg: "DUR", Default: "1000s", Group: groupOverload, Reloadable: true,
		Help: "stay under stress for DUR after the limit was last reached",
		kind: span(func(c *Config) *time.Duration { return &c.StressHold }, offRefused),
	},
	{
		Name: "throttle", Arg: "DUR", Default: "1s", Group: groupOverload, Reloadable: true,
		Help: "start no worker for DUR after a bad start, doubled after each further one",
		kind: span(func(c *Config) *time.Duration { return &c.Throttle }, offRefused),
	},
	{
		Name: "throttle-max", Arg: "DUR", Default: "60s", Group: groupOverload, Reloadable: true,
		Help: "double the throttle up to DUR",
		kind: span(func(c *Config) *time.Duration { return &c.ThrottleMax }, offRefused),
	},
	{
		Name: "max-per-source", Arg: "N", Default: "0", Group: groupOverload, Reloadable: true,
		Help: "inetd: close connections of a client that has N already; 0 = any number",
		kind: number(func(c *Config) *int { return &c.MaxPerSource }, 0, most, "0 = any number"),
	},

	// Expert
	{
		Name: "retire-signal", Arg: "SIGNAL", DefaultText: "by protocol", Group: groupExpert, Reloadable: true,
		Help: "ask a worker to leave with SIGNAL; quiesce = end it once it holds no connection; none = do not ask",
		kind: retireSignal(func(c *Config) *string { return &c.RetireSignal }),
	},
	{
		Name: "worker-watchdog", Arg: "DUR", Default: "0", Group: groupExpert, Reloadable: true,
		Help: "abort a worker that sends no WATCHDOG=1 for DUR; 0 = off",
		kind: span(func(c *Config) *time.Duration { return &c.WorkerWatchdog }, offAllowed),
	},
	{
		Name: "queue-delay", Arg: "DUR", Default: "20ms", Group: groupExpert, Reloadable: true,
		Help: "queue, fastcgi: all workers are busy when connections wait for DUR",
		kind: span(func(c *Config) *time.Duration { return &c.QueueDelay }, offRefused),
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
		Help: "write messages in FORMAT: text, journal or auto",
		kind: word(func(c *Config) *string { return &c.LogFormat }, "auto", "text", "journal"),
	},
}
