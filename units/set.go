package units

import (
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
	ConfDir string // where the service will look for NAME.conf
	UnitDir string // where systemd will look for the units

	Socket, Service, Conf []byte
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
		{s.ConfDir, s.Name + ".conf", s.Conf},
	}
	return slices.DeleteFunc(all, func(f file) bool { return f.text == nil })
}

// Units are the names of the units in the set.
func (s Set) Units() []string {
	var names []string
	for _, f := range s.files() {
		if !strings.HasSuffix(f.name, ".conf") {
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

// WriteTo writes the files, with mode 0644, into dir, which must exist.
// The service looks for NAME.conf in ConfDir: make the two the same, or move
// it. Each file appears whole or not at all. Files that exist are replaced
// only with force, otherwise the error is [os.ErrExist]; on any error before
// the last step no file of the set has changed.
func (s Set) WriteTo(dir string, force bool) (err error) {
	staged := make(map[string]string)
	defer func() {
		for temporary := range staged {
			os.Remove(temporary)
		}
	}()
	for _, f := range s.files() {
		path := filepath.Join(dir, f.name)
		if err := vacant(path); err != nil && !force {
			return err
		}
		temporary, err := stage(dir, f)
		if err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
		staged[temporary] = path
	}
	return publish(staged, force)
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
