package config

import "slices"

// Changed returns the names of the options that differ between before and
// after and that a running service cannot take over, in the table's order; the
// command is "COMMAND". A reload that finds any is to be refused as a whole:
// half a configuration is nobody's wish.
//
// Not reloadable are: the name, by which units, status and metrics know the
// service; what the sockets are (listen, notify-socket, control) and how
// workers speak over them (protocol, notify-access), since workers of both
// generations live side by side during a roll-out; the log format; the
// configuration file's own name; and the command. All of these need a restart.
func Changed(before, after Config) []string {
	var names []string
	for i := range table {
		o := &table[i]
		if !o.Reloadable && o.kind.show(&before) != o.kind.show(&after) {
			names = append(names, o.Name)
		}
	}
	if !slices.Equal(before.Command, after.Command) {
		names = append(names, "COMMAND")
	}
	return names
}
