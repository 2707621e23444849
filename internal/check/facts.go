package check

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/availd/availd/internal/limits"
)

// Machine is what was seen of the machine.
type Machine struct {
	// User is whom the service runs as, in words; Inside: the paths were looked at from
	// inside the service's confinement, not from outside.
	User   string
	Inside bool
	// Paths are those that the unit names, as that user sees them; Gone says why the
	// confinement could not be made.
	Paths map[string]Path
	Gone  string
	// Missing are the users and groups that do not exist, by the line that names them.
	Missing map[string]bool
	// Holders are the processes that listen at an address of a socket that is not active.
	Holders []Holder
	// Ways are the directories on the way to the paths of sockets.
	Ways map[string][]Directory
	// GroupNumbers are those of the groups that sockets name.
	GroupNumbers map[string]int
	Kernel       Kernel
	// Calls are the sets of system calls (systemd-analyze syscall-filter); nil = they are
	// not known.
	Calls map[string][]string
	Room  limits.Facts
}

func (m *Machine) who() string {
	if m.Inside {
		return m.User + " in the service's confinement"
	}
	return m.User
}

// Path is how a path looks.
type Path struct {
	Exists, Directory bool
	Executable        bool // access(2) by the user, of the way to it, too
	Readable          bool
	// Interpreter is what its first line names (execve(2)); Broken: that is not there.
	Interpreter string
	Broken      bool
	// Why is the error of the system where it may not be looked at.
	Why string
}

// Holder is a process that listens at an address.
type Holder struct {
	Address string // as the unit has it
	PID     int    // 0 = it could not be found out
	Command string
}

// Directory is one on the way to a socket.
type Directory struct {
	Path     string
	Mode     uint32
	UID, GID int
}

// Kernel is what the kernel has, nil parts are not known.
type Kernel struct {
	Pidfd, Memfd, CloseRange, SockDiag bool
}

// addresses are what the sockets listen on.
func (f *Facts) addresses() (all []string) {
	for i := range f.Sockets {
		for _, s := range f.Sockets[i].listens() {
			all = append(all, s.Value)
		}
	}
	return append(all, f.Config.Listen...)
}

// listens are the lines of a socket unit that make a socket for the workers.
func (u *Unit) listens() (all []Setting) {
	if slices.Contains([]string{"control", "status", "agent"}, u.get("FileDescriptorName")) {
		return nil
	}
	return u.Listens()
}

// Listens are the lines of a socket unit that make a socket. An empty one forgets all before
// it, whatever their kind (systemd.socket(5)).
func (u *Unit) Listens() (all []Setting) {
	for _, s := range u.Settings {
		switch {
		case !strings.HasPrefix(s.Key, "Listen") || s.Section != "Socket":
		case s.Value == "":
			all = nil
		default:
			s.Value = Expand(s.Value, u.Name)
			all = append(all, s)
		}
	}
	return all
}

// user is whom the service runs as.
func (f *Facts) user() string {
	if u := f.Service.get("User"); u != "" {
		return u
	}
	if isYes(f.Service.get("DynamicUser")) {
		return ""
	}
	return "root"
}

// Names are the paths that the unit names and the service needs, each with the line that
// names it.
func (f *Facts) Names() (all []Named) {
	in := "ExecStart="
	add := func(path, line string, execute bool) {
		if filepath.IsAbs(path) {
			all = append(all, Named{filepath.Clean(path), line, execute})
		}
	}
	if f.Run.Binary != "" {
		add(f.Run.Binary, in, true)
	}
	add(f.Run.ConfigFile(), in, false)
	for i, word := range f.Run.Command {
		if i == 0 {
			add(word, in, true)
		} else if strings.Count(word, "/") > 1 { // a lone one is rather a path of the protocol's
			add(word, in, false)
		}
	}
	add(strings.TrimPrefix(f.Service.get("WorkingDirectory"), "-"), "WorkingDirectory=", false)
	if f.Config.Protocol != nil && filepath.IsAbs(f.Config.Preload) {
		add(f.Config.Preload, "preload=", false)
	}
	return all
}

// Named is a path that a line names.
type Named struct {
	Path, Line string
	Execute    bool
}

func under(path string, directories ...string) bool {
	for _, d := range directories {
		if path == d || strings.HasPrefix(path, strings.TrimSuffix(d, "/")+"/") {
			return true
		}
	}
	return false
}
