package config

import (
	"slices"
	"time"
)

// entry is one option as given, with its place; file "" is the command line, or, with isSet,
// "availd set".
type entry struct {
	option *Option
	value  string
	file   string
	line   int
	isSet  bool
}

// fault is an error at the entry's place.
func (e entry) fault(reason, want string) *Error {
	return &Error{
		File: e.file, Line: e.line, Option: e.option.Name, Value: e.value,
		Reason: reason, Want: want, IsSet: e.isSet,
	}
}

// origins tells for each option that was given where it was given last.
type origins map[string]entry

// Load returns the defaults, overridden by the file that settings name with
// "config", if any, overridden by settings in their order. It then checks the
// combination. Mistakes of the command line are reported before those of the
// file. The error is an *Error; no Config goes with it.
//
// Without a command it is that of the file. A file that has one describes a whole
// service, whose exit-idle-time has another default: see oneFileIdle.
//
// Load keeps neither settings nor command and may be called any number of
// times, which is how a reload works.
func Load(settings []Setting, command []string) (Config, error) {
	given, err := commandLine(settings)
	if err != nil {
		return Config{}, err
	}
	scratch, unused := Default(), origins{}
	if err := apply(&scratch, given, unused); err != nil {
		return Config{}, err
	}
	if len(command) == 0 && scratch.File == "" || len(command) > 0 && command[0] == "" {
		return Config{}, &Error{Reason: "COMMAND is missing after --"}
	}
	c, from := Default(), origins{}
	if scratch.File != "" {
		entries, err := readFile(scratch.File)
		if err != nil {
			return Config{}, err
		}
		if err := apply(&c, entries, from); err != nil {
			return Config{}, err
		}
	}
	if err := apply(&c, given, from); err != nil {
		return Config{}, err
	}
	c.OneFile = c.Command != nil
	c.ListenOfUnit = c.OneFile && from["listen"].file != ""
	switch {
	case len(command) > 0:
		c.Command = slices.Clone(command)
	case !c.OneFile:
		return Config{}, &Error{File: c.File, Reason: "no command=, and COMMAND is missing after --: give one of them"}
	}
	if _, given := from["exit-idle-time"]; c.OneFile && !given {
		c.ExitIdleTime, c.ExitIdleByDefault = oneFileIdle, true
	}
	if len(from) > 0 {
		c.from = from
	}
	if err := check(c, from); err != nil {
		return Config{}, err
	}
	return c, nil
}

// oneFileIdle is the default of exit-idle-time of a service that is one file. Such services
// come by the hundred, most of them idle, and a start costs their next client less than
// they cost the machine meanwhile.
const oneFileIdle = 10 * time.Minute

// commandLine finds the options of settings.
func commandLine(settings []Setting) ([]entry, error) {
	entries := make([]entry, 0, len(settings))
	for _, s := range settings {
		option := find(s.Name)
		if option == nil {
			return nil, &Error{Option: s.Name, Reason: unlike(s.Name, table)}
		}
		entries = append(entries, entry{option: option, value: s.Value})
	}
	return entries, nil
}

// apply sets the entries of one source, the file or the command line, in c. A
// list that the source names starts empty there.
func apply(c *Config, entries []entry, from origins) error {
	seen := map[string]bool{}
	for _, e := range entries {
		name, k := e.option.Name, e.option.kind
		if e.option.Repeatable && !seen[name] {
			k.clear(c)
		}
		seen[name] = true
		if err := k.set(c, e.value); err != nil {
			return e.fault(err.Error(), k.accepts)
		}
		from[name] = e
	}
	return nil
}
