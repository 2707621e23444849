package config

import (
	"slices"
	"strconv"
)

// limitation is an option that some protocols cannot honour.
type limitation struct {
	option    string
	set       func(c *Config) bool
	protocols []Protocol
	why       string
	instead   map[Protocol]string // the program's own way, where there is one
}

// oneConnection is why most rules about workers have nothing to act on with
// inetd.
const oneConnection = "a process serves the one connection that it is started for"

var onlyInetd = []Protocol{ProtocolInetd}

var onlyPostfix = []Protocol{ProtocolPostfix}

var inferring = []Protocol{ProtocolQueue, ProtocolFastCGI}

var limitations = []limitation{
	{
		option:    "max-requests",
		set:       func(c *Config) bool { return c.MaxRequests > 0 },
		protocols: inferring,
		why:       "workers do not report their jobs, so nobody can count them",
		instead: map[Protocol]string{
			ProtocolFastCGI: "use the program's own limit, PHP_FCGI_MAX_REQUESTS for php-cgi",
			ProtocolQueue:   "use the program's own limit, such as gunicorn's --max-requests, or --max-lifetime",
		},
	},
	{
		option:    "busy-timeout",
		set:       func(c *Config) bool { return c.BusyTimeout > 0 },
		protocols: inferring,
		why:       "workers do not report when they are busy",
		instead: map[Protocol]string{
			ProtocolFastCGI: "use the program's own limit, max_execution_time for PHP, or the web server's fastcgi timeout",
			ProtocolQueue:   "use the program's own limit, such as gunicorn's --timeout",
		},
	},
	{
		option:    "worker-watchdog",
		set:       func(c *Config) bool { return c.WorkerWatchdog > 0 },
		protocols: inferring,
		why:       "workers have no socket to send WATCHDOG=1 to",
		instead: map[Protocol]string{
			ProtocolQueue: "use --protocol=notify if they can send it, else the program's own watchdog",
		},
	},
	{
		option:    "max-per-source",
		set:       func(c *Config) bool { return c.MaxPerSource > 0 },
		protocols: []Protocol{ProtocolAuto, ProtocolNotify, ProtocolQueue, ProtocolFastCGI, ProtocolPostfix},
		why:       "only with --protocol=inetd does availd see the clients, here the workers accept",
		instead: map[Protocol]string{
			ProtocolPostfix: "use smtpd_client_connection_count_limit",
		},
	},
	{
		option:    "min-spare",
		set:       func(c *Config) bool { return c.MinSpare > 0 },
		protocols: onlyInetd,
		why:       "a process is started for a connection and cannot wait for one",
	},
	{
		option:    "max-requests",
		set:       func(c *Config) bool { return c.MaxRequests > 0 },
		protocols: onlyInetd,
		why:       oneConnection,
	},
	{
		option:    "max-lifetime",
		set:       func(c *Config) bool { return c.MaxLifetime > 0 },
		protocols: onlyInetd,
		why:       oneConnection,
		instead:   map[Protocol]string{ProtocolInetd: "use --busy-timeout to end long ones"},
	},
	{
		option:    "start-timeout",
		set:       func(c *Config) bool { return c.StartTimeout != Default().StartTimeout && c.StartTimeout > 0 },
		protocols: onlyInetd,
		why:       "processes do not report when they are ready",
		instead:   map[Protocol]string{ProtocolInetd: "use the program's own limit, such as sshd's LoginGraceTime, or --busy-timeout"},
	},
	{
		option:    "retire-timeout",
		set:       func(c *Config) bool { return c.RetireTimeout > 0 },
		protocols: onlyInetd,
		why:       "processes are not asked to leave but by a stop",
		instead:   map[Protocol]string{ProtocolInetd: "use --stop-timeout or --busy-timeout"},
	},
	{
		option:    "retire-signal",
		set:       func(c *Config) bool { return c.RetireSignal != "" && c.RetireSignal != RetireNone },
		protocols: onlyInetd,
		why:       "processes are not asked to leave, and get TERM when half of --stop-timeout is over",
	},
	{
		option:    "stress",
		set:       func(c *Config) bool { return c.Stress == StressRestart },
		protocols: onlyInetd,
		why:       oneConnection + ", and none is ended for another",
		instead:   map[Protocol]string{ProtocolInetd: "use flag"},
	},
	{
		option:    "worker-watchdog",
		set:       func(c *Config) bool { return c.WorkerWatchdog > 0 },
		protocols: onlyInetd,
		why:       "processes have no socket to send WATCHDOG=1 to",
		instead:   map[Protocol]string{ProtocolInetd: "use --busy-timeout"},
	},
	{
		option:    "notify-access",
		set:       func(c *Config) bool { return c.NotifyAccess != AccessMain },
		protocols: onlyInetd,
		why:       "there are no reports",
	},
	{
		option:    "notify-socket",
		set:       func(c *Config) bool { return c.NotifySocket != "" },
		protocols: onlyInetd,
		why:       "there are no reports",
	},
	{
		option:    "start-timeout",
		set:       func(c *Config) bool { return c.StartTimeout != Default().StartTimeout && c.StartTimeout > 0 },
		protocols: onlyPostfix,
		why:       "daemons do not report when they are ready",
		instead:   map[Protocol]string{ProtocolPostfix: "use Postfix's own daemon_timeout"},
	},
	{
		option:    "retire-signal",
		set:       func(c *Config) bool { return c.RetireSignal != "" && c.RetireSignal != RetireNone },
		protocols: onlyPostfix,
		why:       "daemons are asked to leave by the end of their status channel, and a signal would cut their client off",
		instead:   map[Protocol]string{ProtocolPostfix: "use none if they are to leave by Postfix's own max_idle and max_use alone"},
	},
	{
		option:    "worker-watchdog",
		set:       func(c *Config) bool { return c.WorkerWatchdog > 0 },
		protocols: onlyPostfix,
		why:       "daemons do not send WATCHDOG=1",
		instead:   map[Protocol]string{ProtocolPostfix: "use Postfix's own daemon_timeout"},
	},
	{
		option:    "notify-access",
		set:       func(c *Config) bool { return c.NotifyAccess != AccessMain },
		protocols: onlyPostfix,
		why:       "daemons report on a channel that nobody else has",
	},
	{
		option:    "notify-socket",
		set:       func(c *Config) bool { return c.NotifySocket != "" },
		protocols: onlyPostfix,
		why:       "daemons report on a channel of their own",
	},
}

// check returns the first contradiction in c. The error is placed where the
// option was given that has to go.
func check(c Config, from origins) error {
	for _, l := range limitations {
		if l.set(&c) && slices.Contains(l.protocols, c.Protocol) {
			reason := "not possible with --protocol=" + string(c.Protocol) + ": " + l.why
			if way := l.instead[c.Protocol]; way != "" {
				reason += "; " + way
			}
			return from.fault(c, l.option, reason)
		}
	}
	return checkNumbers(c, from)
}

// checkNumbers compares options with each other, whatever the protocol.
func checkNumbers(c Config, from origins) error {
	_, slower := from["throttle"]
	switch {
	case c.Limit > 0 && c.MinSpare > c.Limit:
		return from.fault(c, "min-spare", "more than --limit="+strconv.Itoa(c.Limit)+" allows")
	case c.ExitIdleTime > 0 && c.MinSpare > 0:
		return from.fault(c, "exit-idle-time",
			"not possible with --min-spare, which keeps workers for ever; set one of them to 0")
	case c.Throttle > c.ThrottleMax && slower:
		return from.fault(c, "throttle",
			"more than --throttle-max="+formatSpan(c.ThrottleMax)+", raise that too")
	case c.Throttle > c.ThrottleMax: // the default throttle
		return from.fault(c, "throttle-max",
			"less than --throttle="+formatSpan(c.Throttle)+", lower that too")
	}
	return nil
}

// fault is an error at the place where option was given last.
func (from origins) fault(c Config, option, reason string) *Error {
	e, given := from[option]
	if !given {
		o := find(option)
		e = entry{option: o, value: o.kind.show(&c)}
	}
	return e.fault(reason, "")
}
