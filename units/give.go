package units

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/availd/availd/internal/prose"
)

// What confines a service hides parts of the system from it. This file finds what
// of that the service itself names, so that the confinement gives way there, and
// only there. What was asked for stays as it is; two requests that exclude each
// other are an error, as a service that cannot start helps nobody.

// A mention is a path that the units name. The start fails without one that is needed.
type mention struct {
	where, path string
	needed      bool
}

// String names it in one line, for a comment of the unit and for errors.
func (m mention) String() string { return fmt.Sprintf("%s %q", m.where, m.path) }

// mentioned finds absolute paths in a word: at its beginning, or after one of the
// characters that stand between a name and a path (--dir=/srv, unix:/run/x, a,/b).
var mentioned = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?:^|[=:,@"' ])(~?/[^:,"' ]*)`) })

// pathSettings are the settings whose values are paths as the service sees them.
// Files for StandardOutput=, EnvironmentFile= and LoadCredential= are opened by
// systemd before it confines the service.
var pathSettings = []string{
	"BindPaths", "BindReadOnlyPaths", "Environment", "ExecCondition", "ExecPaths", "ExecReload", "ExecStartPost", "ExecStartPre",
	"ExecStop", "ExecStopPost", "ReadOnlyPaths", "ReadWriteDirectories", "ReadWritePaths", "WorkingDirectory",
}

// mentions are the paths that the service names, the worker's command first.
func (o Options) mentions(asked []property) (all []mention) {
	find := func(where, text string, needed bool) {
		for _, m := range mentioned().FindAllStringSubmatch(text, -1) {
			all = append(all, mention{where, m[1], needed})
		}
	}
	for i, word := range o.Command {
		if i == 0 {
			find("the command", word, true)
		} else {
			find("the argument", word, false)
		}
	}
	for _, word := range o.Run {
		if path, ok := strings.CutPrefix(word, "--preload="); ok {
			find("--preload=", path, true)
		}
	}
	for _, p := range asked {
		if !slices.Contains(pathSettings, p.key) {
			continue
		}
		value := strings.TrimLeft(p.value, "-+!|@")
		if p.key == "WorkingDirectory" && value == "~" {
			value = "/home/~" // where homes mostly are
		}
		find(p.key+"=", value, p.key != "Environment" && !strings.HasPrefix(p.value, "-"))
	}
	return append(all, mention{"the configuration directory", o.ConfDir, true}, mention{"the path of availd", o.Binary, true})
}

// below is the first of the mentions that is in one of the directories, or is itself
// one of them if that counts; one without which the start fails before all others.
func below(all []mention, itself bool, directories ...string) (first *mention) {
	for i, m := range all {
		path := strings.TrimRight(m.path, "/")
		if !under(path, directories...) && !(itself && slices.Contains(directories, path)) {
			continue
		}
		if m.needed {
			return &all[i]
		}
		if first == nil {
			first = &all[i]
		}
	}
	return first
}

// tamed are devices that PrivateDevices= leaves to a service.
var tamed = []string{
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts", "/dev/shm",
	"/dev/mqueue", "/dev/hugepages", "/dev/log", "/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr", "/dev/core", "/dev/console",
}

// isDevice reports whether the path is that of a device that PrivateDevices= hides. No device
// has a name that would have to be quoted, and in DeviceAllow= not all can be (systemd takes
// words out of their quotes there, but knows no escapes).
func (m mention) isDevice() bool {
	isTamed := func(d string) bool { return m.path == d || under(m.path, d) }
	return under(m.path, "/dev") && strings.Trim(m.path, plain) == "" && !slices.ContainsFunc(tamed, isTamed)
}

// giveWay sets what of the confinement must not be, because of what was asked for.
func (f *facts) giveWay(o Options, asked []property) error {
	all := o.mentions(asked)
	f.ConfDir = o.ConfDir
	f.Rooted = has(asked, "RootDirectory") || has(asked, "RootImage")
	if v := last(asked, "MountAPIVFS"); f.Rooted && isNo(v) {
		return fmt.Errorf("property MountAPIVFS=%s: without /proc below the root directory availd could not tell its workers from other processes; leave it out", v)
	}
	f.OwnFiles = !has(asked, "LimitNOFILE")
	f.Ambient = joined(asked, "AmbientCapabilities")
	f.Alone = !slices.Contains([]string{"root", "0"}, last(asked, "User")) && f.Ambient == ""
	f.Home = below(all, true, "/home", "/root", "/run/user")
	// The directory /tmp itself is as good when it is the service's own.
	f.Tmp = below(all, false, "/tmp", "/var/tmp")
	for i, m := range all {
		if m.isDevice() {
			f.Device, f.Devices = &all[i], append(f.Devices, m.path)
		}
	}
	for _, p := range asked {
		if p.key == "DeviceAllow" && p.value != "" && f.Device == nil {
			f.Device = &mention{where: p.key + "=", path: p.value}
		}
	}
	if f.User {
		return nil // it hides nothing
	}
	for _, c := range []struct {
		key string
		by  *mention
	}{{"ProtectHome", f.Home}, {"PrivateTmp", f.Tmp}, {"PrivateDevices", f.Device}} {
		if c.by != nil && isYes(last(asked, c.key)) {
			return fmt.Errorf("property %s=yes: hides what %s needs; leave one of them out", c.key, c.by)
		}
	}
	if f.DynamicUser {
		return f.withDynamicUser(asked)
	}
	return nil
}

// implied are the settings that a DynamicUser= does not go without (systemd.exec(5)).
var implied = []string{"PrivateTmp", "ProtectSystem", "ProtectHome", "NoNewPrivileges", "RestrictSUIDSGID", "RemoveIPC"}

// withDynamicUser refuses what a DynamicUser= would silently undo.
func (f *facts) withDynamicUser(asked []property) error {
	for _, key := range implied {
		if has(asked, key) && isNo(last(asked, key)) {
			return fmt.Errorf("property %s=%s: DynamicUser= implies it, whatever this line says; give a user of your own, -p User=NAME", key, last(asked, key))
		}
	}
	if f.Tmp != nil && f.Tmp.needed {
		return fmt.Errorf("%s: the service has a /tmp of its own, which DynamicUser= implies, and will not see that; install it elsewhere, such as /usr/local/libexec, or give a user of your own, -p User=NAME", f.Tmp)
	}
	if f.Tmp != nil {
		f.note("%s is a file of the service's own /tmp, which DynamicUser= implies; for that of the host give a user, -p User=NAME", f.Tmp)
		f.Tmp = nil
	}
	for _, p := range asked {
		if p.key == "ReadWritePaths" && p.value != "" && !has(asked, "Group") && !has(asked, "SupplementaryGroups") {
			f.note("%s lets the service write there, but the user of DynamicUser= owns nothing there; give a user, -p User=NAME, or use -p StateDirectory=%s", p, f.Name)
		}
	}
	return nil
}

// note adds something that the person who generates the units should know: one line,
// whatever the values that it names hold.
func (f *facts) note(format string, args ...any) {
	f.Notes = append(f.Notes, prose.Printable(fmt.Sprintf(format, args...)))
}

// joined are the values of a property that adds up.
func joined(asked []property, key string) string {
	var values []string
	for _, p := range asked {
		if p.key == key {
			values = append(values, p.value)
		}
	}
	return strings.Join(values, " ")
}

// last is the value of a property, "" if it was not asked for.
func last(asked []property, key string) (value string) {
	for _, p := range asked {
		if p.key == key {
			value = p.value
		}
	}
	return value
}

// Booleans of systemd.
func isYes(v string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(v))
}

func isNo(v string) bool {
	return slices.Contains([]string{"0", "no", "n", "false", "f", "off"}, strings.ToLower(v))
}
