package config

import "slices"

// The groups of the options that few services need, in the order of the help. The
// common ones come before all of them.
const (
	groupPool     = "Pool"
	groupTimeouts = "Timeouts"
	groupOverload = "Overload"
	groupExpert   = "Expert"
)

// Option is one row of the table.
type Option struct {
	Name        string // without dashes
	Arg         string // what stands for the value in the help; occurs in Help
	Default     string // as the option takes it; "" = not set
	DefaultText string // what "not set" amounts to, when Default is ""
	Group       string
	Common      bool   // one of the few that most services need: on the first page of help and manual
	Help        string // one line, lower case, no full stop

	Repeatable      bool // a list: every occurrence adds a value
	Reloadable      bool // a reload can change it in a running service
	Settable        bool // "availd set" can, without a reload; its kind has a number
	CommandLineOnly bool // refused in the configuration file

	kind kind
}

// Accepts says in words which values the option takes.
func (o Option) Accepts() string { return o.kind.accepts }

// Options returns the table in the order of the help. The slice is the
// caller's.
func Options() []Option { return slices.Clone(table) }

// Groups returns the names of the option groups in the order of the help. They are for
// the options that are not common.
func Groups() []string {
	return []string{groupPool, groupTimeouts, groupOverload, groupExpert}
}

// InWords returns the setting as it is best written: with never or unlimited for a 0 that
// means it. One that is no option, or that its option refuses, is left as it is.
func (s Setting) InWords() Setting {
	o := find(s.Name)
	if o == nil || o.kind.zero == "" {
		return s
	}
	var scratch Config
	if o.kind.set(&scratch, s.Value) == nil && o.kind.show(&scratch) == string(o.kind.zero) {
		s.Value = string(o.kind.zero)
	}
	return s
}

// find returns the option called name, or nil.
func find(name string) *Option {
	for i := range table {
		if table[i].Name == name {
			return &table[i]
		}
	}
	return nil
}
