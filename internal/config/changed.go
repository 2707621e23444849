package config

import "slices"

// Changed returns the names of the options that differ between before and
// after and that a running service cannot take over, in the tables' order. A reload that
// finds any is to be refused as a whole: half a configuration is nobody's wish. units says
// that the service manager has to take some of them over first, because its units are made
// of them.
//
// Not reloadable are: the name, by which units, status and metrics know the
// service; what the sockets are (listen, notify-socket, control) and how
// workers speak over them (protocol, preload, notify-access), since workers of both
// generations live side by side during a rolling restart; the log format; and the
// configuration file's own name. All of these need a restart.
func Changed(before, after Config) (names []string, units bool) {
	for _, o := range slices.Concat(table, unitTable) {
		if o.Reloadable || o.kind.show(&before) == o.kind.show(&after) {
			continue
		}
		names = append(names, o.Name)
		units = units || after.OneFile && (isUnitKey(o.Name) || o.Name == "listen" || o.Name == "protocol")
	}
	return names, units
}
