package units

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/availd/availd/internal/prose"
)

// What Options leaves out.
const (
	DefaultBinary  = "/usr/bin/availd"
	DefaultConfDir = "/etc/availd"

	DefaultStopTimeout = 30 * time.Second // of availd run
)

// OldestSystemd is the oldest version that availd is tested with, and the one
// that units are written for if nothing else is said.
const OldestSystemd = 252

// Options describe one service.
type Options struct {
	// Name is the name of both units, without suffix.
	Name string
	// Listen are the addresses: a port, ":PORT", "ADDRESS:PORT", a path, or
	// "@" and an abstract name.
	Listen []string
	// SocketGroup may connect to the paths in Listen; without it only root.
	SocketGroup string
	// StatusListen and AgentListen are addresses like those in Listen, of sockets
	// on which availd itself answers monitoring and a load balancer. Empty: none.
	StatusListen, AgentListen string
	// Run are options of "availd run" in the form --name=value. They go to
	// NAME.conf, where a reload finds them changed; on the command line they
	// would be fixed.
	Run []string
	// StopTimeout is what --stop-timeout in Run says. Less than DefaultStopTimeout
	// counts as that.
	StopTimeout time.Duration
	// Command is the worker's command with its arguments.
	Command []string
	// Properties are settings of the service in the form KEY=VALUE, as
	// systemd-run(1) takes them. One that the service has is replaced, or added
	// to where it is a list.
	Properties []string
	// Systemd is the version of the systemd that will read the units, which
	// ignores what it does not know with a warning; OldestSystemd if 0.
	Systemd int
	// ConfigHome is the directory of the configuration, ~/.config, of the user for
	// whose own service manager, systemd --user, the units are; the system's if
	// empty.
	ConfigHome string
	// Binary is the path of availd; DefaultBinary if empty.
	Binary string
	// ConfDir is where NAME.conf will be; DefaultConfDir if empty, or availd below
	// ConfigHome.
	ConfDir string
	// Source is the file that describes the whole service, where the units are made of it
	// anew whenever systemd loads its units (systemd.generator(7)). The command is its
	// affair then and not in the units, and nobody enables them. Empty: the units are
	// somebody's own.
	Source string
	// Refused says what is wrong with Source, for availd run to say instead of starting.
	Refused string
	// NonBlocking asks for NonBlocking=yes. It is implied by the protocol
	// notify, and must not be set for programs that block in accept. With inetd
	// it means nothing: the sockets are availd's alone, connections always block.
	NonBlocking bool
}

// nameLength keeps /run/availd/NAME/notify below the 107 bytes of a socket's
// path (unix(7)).
const nameLength = 80

var (
	nameForm  = form(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)
	pathForm  = form(`^/[A-Za-z0-9/._+-]+$`)
	groupForm = form(`^[A-Za-z0-9_][A-Za-z0-9_-]*$`)
)

func (o Options) withDefaults() Options {
	if o.Binary == "" {
		o.Binary = DefaultBinary
	}
	if o.ConfDir == "" && o.ConfigHome != "" {
		o.ConfDir = filepath.Join(o.ConfigHome, "availd")
	} else if o.ConfDir == "" {
		o.ConfDir = DefaultConfDir
	}
	if o.Systemd == 0 {
		o.Systemd = OldestSystemd
	}
	return o
}

// unitDir is where the units belong (systemd.unit(5)).
func (o Options) unitDir() string {
	if o.ConfigHome != "" {
		return filepath.Join(o.ConfigHome, "systemd", "user")
	}
	return "/etc/systemd/system"
}

// check finds what is wrong with the words as such; the addresses and the
// options of run are looked at where they are translated.
func (o Options) check() error {
	if err := CheckName(o.Name); err != nil {
		return err
	}
	if len(o.Listen) == 0 {
		return errors.New("no address to listen on: give at least one, such as 127.0.0.1:8080 or /run/NAME.sock")
	}
	for what, path := range map[string]string{"path of availd": o.Binary, "configuration directory": o.ConfDir} {
		if !pathForm(path) {
			return fmt.Errorf("%s %q: want an absolute path of letters, digits and ._+-", what, path)
		}
	}
	if o.SocketGroup != "" && !groupForm(o.SocketGroup) {
		return fmt.Errorf("group %q: want the name or number of a group", o.SocketGroup)
	}
	if o.Systemd < OldestSystemd {
		return fmt.Errorf("systemd %d: availd needs version %d or later", o.Systemd, OldestSystemd)
	}
	switch {
	case o.ConfigHome != "":
		return o.checkUser()
	case o.Source != "": // whatever its command is, availd run finds out
		return nil
	}
	return checkCommand(o.Command)
}

// checkUser finds what a user's own service manager cannot do.
func (o Options) checkUser() error {
	for _, p := range o.Properties {
		if key, _, _ := strings.Cut(p, "="); slices.Contains([]string{"User", "Group", "DynamicUser"}, key) {
			return fmt.Errorf("property %q: a user's own service manager runs everything as that user", p)
		}
	}
	return checkCommand(o.Command)
}

// CheckName reports why a service cannot be called that.
func CheckName(name string) error {
	for _, suffix := range []string{".socket", ".service", ".conf"} {
		if base, ok := strings.CutSuffix(name, suffix); ok {
			return fmt.Errorf("name %q: leave out %s, one name serves all three files: %s", name, suffix, base)
		}
	}
	if strings.Contains(name, "@") {
		return fmt.Errorf("name %q: templates are not supported, as each instance would need addresses of its own: make a service for each", name)
	}
	if !nameForm(name) || len(name) > nameLength {
		return fmt.Errorf("name %q: want 1 to %d letters, digits and _.-, the first a letter, a digit or _", name, nameLength)
	}
	return nil
}

func checkCommand(command []string) error {
	if len(command) == 0 {
		return errors.New("no command: give the worker's after --")
	}
	program := command[0]
	switch {
	case !filepath.IsAbs(program):
		return fmt.Errorf("command %q: want an absolute path, a service has no PATH of yours; try: $(command -v %s)", program, prose.Printable(ShellWord(program)))
	case filepath.Clean(program) != program:
		return fmt.Errorf("command %q: want the shortest form, %s", program, prose.Printable(filepath.Clean(program)))
	}
	for _, word := range command {
		if !utf8.ValidString(word) || strings.ContainsRune(word, 0) {
			return fmt.Errorf("argument %q: a unit file is UTF-8 without NUL", word)
		}
	}
	return nil
}

// under reports whether path is below one of the directories.
func under(path string, directories ...string) bool {
	for _, d := range directories {
		if strings.HasPrefix(path, d+"/") {
			return true
		}
	}
	return false
}
