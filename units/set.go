package units

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Set is the generated text of one service's files.
type Set struct {
	Name    string
	ConfDir string   // where the service will look for NAME.conf
	UnitDir string   // where systemd will look for the units
	Notes   []string // what the person who generates the units should know, a sentence each

	Socket, Service, Conf []byte
	Backoff               []byte // NAME-backoff.service
	Status, Agent         []byte // NAME-status.socket, NAME-agent.socket; nil if not asked for
}

// A file is one of the set with the directory it belongs to.
type file struct {
	dir, name string
	text      []byte
}

func (s Set) files() []file {
	all := []file{
		{s.UnitDir, s.Name + ".socket", s.Socket},
		{s.UnitDir, s.Name + "-" + statusKind + ".socket", s.Status},
		{s.UnitDir, s.Name + "-" + agentKind + ".socket", s.Agent},
		{s.UnitDir, s.Name + ".service", s.Service},
		{s.UnitDir, s.Name + "-backoff.service", s.Backoff},
		{s.ConfDir, s.Name + ".conf", s.Conf},
	}
	return slices.DeleteFunc(all, func(f file) bool { return f.text == nil })
}

// Units are the names of the units in the set.
func (s Set) Units() []string {
	var names []string
	for _, f := range s.files() {
		if !f.isConf() {
			names = append(names, f.name)
		}
	}
	return names
}

// Print writes all files to w, each under its path as systemctl cat does.
func (s Set) Print(w io.Writer) error {
	for i, f := range s.files() {
		separator := "\n"
		if i == 0 {
			separator = ""
		}
		if _, err := fmt.Fprintf(w, "%s# %s\n%s", separator, filepath.Join(f.dir, f.name), f.text); err != nil {
			return fmt.Errorf("print %s: %w", f.name, err)
		}
	}
	return nil
}

// WriteTo writes the units into dir, which must exist, and NAME.conf into confDir,
// which is made if it is not there; all with mode 0644. The service looks for NAME.conf
// in ConfDir. Each file appears whole or not at all. Files that exist are replaced
// only with force, otherwise the error is [os.ErrExist]; on any error before
// the last step no file of the set has changed.
func (s Set) WriteTo(dir, confDir string, force bool) (err error) {
	staged := make(map[string]string)
	defer func() {
		for temporary := range staged {
			os.Remove(temporary)
		}
	}()
	if err := os.MkdirAll(confDir, 0o755); err != nil {
		return fmt.Errorf("write %s.conf: %w", s.Name, err)
	}
	for _, f := range s.files() {
		to := f.place(dir, confDir)
		path := filepath.Join(to, f.name)
		if err := vacant(path); err != nil && !force {
			return err
		}
		temporary, err := stage(to, f)
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		staged[temporary] = path
	}
	return publish(staged, force)
}

// WriteUnits writes the units into dir, which is a generator's own and empty: nobody sees
// them before all are written.
func (s Set) WriteUnits(dir string) error {
	for _, f := range s.files() {
		if f.isConf() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// isConf: all others are units.
func (f file) isConf() bool { return strings.HasSuffix(f.name, ".conf") }

func (f file) place(dir, confDir string) string {
	if f.isConf() {
		return confDir
	}
	return dir
}

// A Difference is what of a set is not as the files that are there.
type Difference struct {
	New     bool // there is no NAME.socket yet
	Sockets bool // one of the sockets, which only a restart of all changes
	Service bool
	Conf    bool
}

// Compare says what WriteTo would change. A file that cannot be read is another one.
func (s Set) Compare(dir, confDir string) (d Difference) {
	_, err := os.Stat(filepath.Join(dir, s.Name+".socket"))
	d.New = err != nil
	for _, f := range s.files() {
		text, err := os.ReadFile(filepath.Join(f.place(dir, confDir), f.name))
		if err == nil && bytes.Equal(text, f.text) {
			continue
		}
		switch {
		case f.isConf():
			d.Conf = true
		case strings.HasSuffix(f.name, ".socket"):
			d.Sockets = true
		default:
			d.Service = true
		}
	}
	return d
}

// vacant reports an error if there is something at path.
func vacant(path string) error {
	_, err := os.Lstat(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = os.ErrExist
	}
	return fmt.Errorf("write %s: %w, nothing was written; look at the difference, then use --force", path, err)
}

// stage writes a file under a name of its own beside its place and returns
// that name. On error nothing is left behind.
func stage(dir string, f file) (string, error) {
	t, err := os.CreateTemp(dir, "."+f.name+".")
	if err != nil {
		return "", err
	}
	_, err = t.Write(f.text)
	err = errors.Join(err, t.Chmod(0o644), t.Sync(), t.Close())
	if err != nil {
		os.Remove(t.Name())
		return "", err
	}
	return t.Name(), nil
}

// publish gives the staged files their names. Without force it links instead
// of renaming, as link(2) fails where somebody else has just made the file.
func publish(staged map[string]string, force bool) error {
	move := os.Link
	if force {
		move = os.Rename
	}
	var published []string
	for temporary, path := range staged {
		if err := move(temporary, path); err != nil {
			if !force {
				for _, p := range published {
					os.Remove(p)
				}
			}
			return fmt.Errorf("write %s: %w", path, err)
		}
		published = append(published, path)
	}
	return nil
}
