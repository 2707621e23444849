package config

import "slices"

// The groups of the help, in the order in which it prints them.
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
	Help        string // one line, lower case, no full stop

	Repeatable      bool // a list: every occurrence adds a value
	Reloadable      bool // a reload can change it in a running service
	CommandLineOnly bool // refused in the configuration file

	kind kind
}

// Accepts says in words which values the option takes.
func (o Option) Accepts() string { return o.kind.accepts }

// Options returns the table in the order of the help. The slice is the
// caller's.
func Options() []Option { return slices.Clone(table) }

// Groups returns the names of the option groups in the order of the help.
func Groups() []string {
	return []string{groupPool, groupTimeouts, groupOverload, groupExpert}
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
