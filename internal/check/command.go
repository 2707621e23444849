package check

import (
	"path/filepath"
	"slices"
	"strings"
)

// interpreters are programs whose first argument that is no option is a script.
var interpreters = []string{"python", "perl", "ruby", "node", "nodejs", "php", "sh", "bash", "dash", "lua"}

// script is the argument of an interpreter that is a file by its absolute path.
func script(command []string) string {
	if len(command) < 2 || !slices.Contains(interpreters, strings.TrimRight(filepath.Base(command[0]), "0123456789.")) {
		return ""
	}
	for _, word := range command[1:] {
		if filepath.IsAbs(word) {
			return filepath.Clean(word)
		}
		if strings.HasPrefix(word, "-") && word != "-u" && word != "-B" && word != "-E" && word != "-s" && word != "-w" {
			return "" // -c and -m take no file, and others may take a value
		}
	}
	return ""
}

// command is about the files that are executed.
func command(f *Facts, r *report) {
	m := f.Machine
	if m == nil || len(f.Run.Command) == 0 {
		return
	}
	if m.Gone != "" {
		r.about(Error, "confinement-fails", f.Service.Name, "systemd cannot start a process of this service: %s; see journalctl -u %s", m.Gone, f.Service.Name)
		return
	}
	for _, n := range f.Names() {
		p, looked := m.Paths[n.Path]
		if !looked || f.hiddenBy(n.Path) != nil {
			continue
		}
		f.pathOf(n, p, r)
	}
}

func (f *Facts) pathOf(n Named, p Path, r *report) {
	bad := func(id, format string, args ...any) {
		r.about(Error, id, n.Line+n.Path, format, args...)
	}
	who := f.Machine.who()
	switch isScript := n.Path == script(f.Run.Command); {
	case n.Line == "WorkingDirectory=" && p.Exists && !p.Directory:
		bad("working-directory", "is no directory: no process of the service can start")
	case n.Line == "WorkingDirectory=" && !p.Exists && p.Why == "" && !strings.HasPrefix(f.Service.get("WorkingDirectory"), "-"):
		bad("working-directory", "does not exist: no process of the service can start; make it, or change the line")
	case n.Path == f.Run.ConfigFile() || n.Line == "WorkingDirectory=": // it was read
	case p.Why != "" && (n.Execute || isScript):
		bad("unreachable", "%s may not look at it (%s): no worker can start; give that user the right to search each directory on the way, or install it elsewhere, such as below /usr/local", who, p.Why)
	case !p.Exists && (n.Execute || isScript):
		bad("missing", "does not exist%s: no worker can start; install it, or write the path that command -v tells", inside(f.Machine))
	case !p.Exists:
	case n.Execute && p.Directory:
		bad("not-executable", "is a directory: no worker can start")
	case p.Broken:
		bad("interpreter", "its first line names %s, which does not exist%s: no worker can start; install that, or change the line", p.Interpreter, inside(f.Machine))
	case n.Execute && !p.Executable:
		bad("not-executable", "cannot be executed by %s: no worker can start; chmod a+x %s", who, n.Path)
	case isScript && !p.Readable:
		bad("not-readable", "cannot be read by %s: no worker can start; chmod a+r %s", who, n.Path)
	}
}

func inside(m *Machine) string {
	if m.Inside {
		return " for the service"
	}
	return ""
}
