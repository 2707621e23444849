package config

import (
	"errors"
	"strings"

	"github.com/urfave/cli/v2"
)

// Setting is one option as it stands on the command line.
type Setting struct{ Name, Value string }

// Flags returns one flag per option, in the order of the table. Each
// occurrence on the command line is appended to collect, for Load.
//
// A value that the option refuses ends the parse of the command line, as a
// usage error. It is appended too: the flag package wraps the error in words
// of its own, and Load, called with what was collected, says it in ours.
//
// The flags are all generic. The library's own integers read 010 as eight and
// its lists split at commas, which is not what Load and the file do.
func Flags(collect *[]Setting) []cli.Flag {
	flags := make([]cli.Flag, 0, len(table))
	for i := range table {
		o := &table[i]
		flags = append(flags, &cli.GenericFlag{
			Name:        o.Name,
			Category:    o.Group,
			DefaultText: o.Default + o.DefaultText,
			// The library takes the word in backquotes for the argument's name.
			Usage: strings.Replace(o.Help, o.Arg, "`"+o.Arg+"`", 1),
			Value: &collector{option: o, settings: collect},
		})
	}
	return flags
}

// collector is the value of one flag.
type collector struct {
	option   *Option
	settings *[]Setting
}

// Set implements cli.Generic.
func (f *collector) Set(value string) error {
	*f.settings = append(*f.settings, Setting{Name: f.option.Name, Value: value})
	var scratch Config
	if err := f.option.kind.set(&scratch, value); err != nil {
		e := Error{Reason: err.Error(), Want: f.option.Accepts()}
		return errors.New(e.Complaint())
	}
	return nil
}

// String implements cli.Generic; the library calls it for the default's text,
// which is in the flag itself.
func (f *collector) String() string { return "" }
