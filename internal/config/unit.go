package config

import (
	"errors"
	"slices"
	"strings"
)

// UnitKeys are what a file says for the units of its service. The generator makes units
// of them; availd run only compares them, as a change is for systemd to take over.
type UnitKeys struct {
	Properties                []string // KEY=VALUE, as of systemd-run(1)
	SocketGroup               string
	StatusListen, AgentListen string // "" = there is no such socket
	Enabled                   bool   // the units are started with the machine
}

// commandKey is the key of the file that stands for COMMAND of the command line.
const commandKey = "command"

// unitTable are the keys of a configuration file that are no options of availd run, in
// the order of the manual. It is never written to.
var unitTable = []Option{
	{
		Name: commandKey, Arg: "COMMAND", Reloadable: true,
		Help: "run COMMAND as the worker: a path and its arguments, quoted as for a shell",
		kind: commandLineKind(),
	},
	{
		Name: "property", Arg: "KEY=VALUE", Repeatable: true,
		Help: "setting KEY=VALUE of the service, as of systemd-run (repeatable)",
		kind: list(func(c *Config) *[]string { return &c.Units.Properties }, "KEY=VALUE, such as MemoryMax=1G", checkProperty),
	},
	{
		Name: "socket-group", Arg: "GROUP",
		Help: "GROUP that may connect to a path",
		kind: text(func(c *Config) *string { return &c.Units.SocketGroup }, "the name or number of a group", checkPlain),
	},
	{
		Name: "status-listen", Arg: "ADDRESS",
		Help: "ADDRESS of a socket for monitoring: /status and /metrics over HTTP",
		kind: text(func(c *Config) *string { return &c.Units.StatusListen }, acceptsListen, checkListen),
	},
	{
		Name: "agent-listen", Arg: "ADDRESS",
		Help: "ADDRESS of a socket for HAProxy's agent-check",
		kind: text(func(c *Config) *string { return &c.Units.AgentListen }, acceptsListen, checkListen),
	},
	{
		Name: "enabled", Arg: "BOOL", Default: "yes", Reloadable: true, // a service that runs has nothing to do with it
		Help: "start the sockets with the machine; BOOL is yes or no",
		kind: boolean(func(c *Config) *bool { return &c.Units.Enabled }),
	},
}

// UnitOptions returns the keys of a file that are no options of availd run. The slice is
// the caller's.
func UnitOptions() []Option { return slices.Clone(unitTable) }

// findKey returns the option or the key of that name in a file, or nil.
func findKey(name string) *Option {
	for i := range unitTable {
		if unitTable[i].Name == name {
			return &unitTable[i]
		}
	}
	return find(name)
}

// isUnitKey: an option of run has the table to itself.
func isUnitKey(name string) bool { return find(name) == nil }

func commandLineKind() kind {
	return kind{
		accepts: "a command and its arguments, quoted as for a shell",
		set: func(c *Config, value string) error {
			words, err := splitWords(value)
			if err == nil {
				c.Command = words
			}
			return err
		},
		show: func(c *Config) string { return joinWords(c.Command) },
	}
}

// boolean is one as systemd.syntax(7) writes it.
func boolean(field func(*Config) *bool) kind {
	return kind{
		accepts: "yes or no",
		set: func(c *Config, value string) error {
			is, ok := parseBool(value)
			switch {
			case ok:
				*field(c) = is
				return nil
			case value == "":
				return errEmpty
			}
			return errors.New("neither yes nor no")
		},
		show: func(c *Config) string {
			if *field(c) {
				return "yes"
			}
			return "no"
		},
	}
}

func parseBool(value string) (is, ok bool) {
	switch strings.ToLower(value) {
	case "yes", "y", "true", "t", "on", "1":
		return true, true
	case "no", "n", "false", "f", "off", "0":
		return false, true
	}
	return false, false
}

// checkProperty looks at the form alone; which settings there are is known to package units.
func checkProperty(value string) error {
	if err := checkPlain(value); err != nil {
		return err
	}
	if key, _, ok := strings.Cut(value, "="); !ok || key == "" {
		return errors.New("no KEY=VALUE")
	}
	return nil
}
