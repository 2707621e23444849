package config

import (
	"strconv"
	"strings"
)

// refusableOption is an option that a protocol may refuse, and whether it is set to
// something that the protocol would have to honour.
type refusableOption struct {
	name string
	set  func(c *Config) bool
}

// refusable are all of them, in the order in which they are looked at.
var refusable = []refusableOption{
	{"preload", func(c *Config) bool { return c.Preloads() && c.Template != TemplatePreload }},
	{"max-requests", func(c *Config) bool { return c.MaxRequests > 0 && !c.Preloads() }},
	{"worker-watchdog", func(c *Config) bool { return c.WorkerWatchdog > 0 }},
	{"max-per-source", func(c *Config) bool { return c.MaxPerSource > 0 }},
	{"template", func(c *Config) bool { return c.Template != TemplateOff }},
	{"min-spare", func(c *Config) bool { return c.MinSpare > 0 }},
	{"max-memory", func(c *Config) bool { return c.MaxMemory > 0 }},
	{"max-lifetime", func(c *Config) bool { return c.MaxLifetime > 0 }},
	{"retire-timeout", func(c *Config) bool { return c.RetireTimeout > 0 }},
	{"retire-signal", func(c *Config) bool { return c.RetireSignal != "" && c.RetireSignal != RetireNone }},
	{"stress", func(c *Config) bool { return c.Stress == StressRestart }},
	{"notify-access", func(c *Config) bool { return c.NotifyAccess != AccessMain }},
	{"notify-socket", func(c *Config) bool { return c.NotifySocket != "" }},
}

// check returns the first contradiction in c. The error is placed where the
// option was given that has to go.
func check(c Config, from origins) error {
	for _, o := range refusable {
		refusal, refused := c.Protocol.Refusal(o.name)
		if !refused || !o.set(&c) {
			continue
		}
		reason := "not possible with --protocol=" + c.Protocol.Name + ": " + refusal.Why
		if refusal.Instead != "" {
			reason += "; " + refusal.Instead
		}
		return from.fault(c, o.name, reason)
	}
	return checkNumbers(c, from)
}

// checkNumbers compares options with each other, whatever the protocol.
func checkNumbers(c Config, from origins) error {
	_, slower := from["throttle"]
	_, idle := from["template-idle"]
	switch {
	case c.Template == TemplatePreload && !c.Protocol.Preloads:
		refusal, _ := c.Protocol.Refusal("preload")
		return from.fault(c, "template", "not possible with --protocol="+c.Protocol.Name+": "+refusal.Why+"; "+refusal.Instead)
	case c.Template == TemplateWorker && c.Preloads():
		return from.fault(c, "preload", "not possible with --template=worker, whose program forks its workers itself: the object is loaded "+
			"into the template, and would take orders in its place; use --template=preload, or leave --preload out")
	case c.Template == TemplateOff && idle:
		return from.fault(c, "template-idle", "there is no template; set --template=worker too, or leave it out")
	case c.Template != TemplateOff && strings.Contains(strings.Join(c.Command, "\n"), "{stress}"):
		return from.fault(c, "template",
			"not possible with {stress} in COMMAND, which is executed once for all workers; have the worker read AVAILD_STRESS")
	case c.Limit > 0 && c.MinSpare > c.Limit:
		return from.fault(c, "min-spare", "more than --limit="+strconv.Itoa(c.Limit)+" allows")
	case c.ExitIdleTime > 0 && c.MinSpare > 0 && !c.ExitIdleByDefault:
		return from.fault(c, "exit-idle-time",
			"not possible with --min-spare, which keeps workers for ever; leave one of them out")
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
