package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/units"
)

// look is what of this machine is compared with a set of units. The units may be for
// another machine, so that nothing that is missing here is an error.
type look struct {
	stat   func(path string) (fs.FileInfo, error)
	user   func(name string) error
	group  func(name string) error
	active func(o units.Options, unit string) bool
}

func lookHere() look {
	return look{
		stat:  os.Stat,
		user:  func(name string) error { _, err := user.Lookup(name); return err },
		group: func(name string) error { _, err := user.LookupGroup(name); return err },
		active: func(o units.Options, unit string) bool {
			args := []string{"is-active", "--quiet", unit}
			if o.ConfigHome != "" {
				args = append([]string{"--user"}, args...)
			}
			ctx, cancel := context.WithTimeout(context.Background(), systemdWait)
			defer cancel()
			return exec.CommandContext(ctx, "systemctl", args...).Run() == nil
		},
	}
}

// notes are what would keep the service from starting on this machine.
func (l look) notes(o units.Options) (all []string) {
	note := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	settings := map[string]string{}
	for _, p := range o.Properties {
		key, value, _ := strings.Cut(p, "=")
		settings[key] = value
	}
	rooted := settings["RootDirectory"] != "" || settings["RootImage"] != ""
	if command := o.Command[0]; !rooted {
		switch info, err := l.stat(command); {
		case errors.Is(err, fs.ErrNotExist):
			note("%s does not exist on this machine: no worker can start without it", command)
		case err == nil && (info.IsDir() || info.Mode()&0o111 == 0):
			note("%s is not executable: no worker can start", command)
		case err == nil && o.ConfigHome == "":
			if closed := l.closed(command); closed != "" && settings["User"] == "" {
				note("%s is closed to other users: the service's user must own it or be in its group to start %s; give -p User=NAME, or install the command elsewhere, such as below /usr/local", closed, command)
			}
		}
	}
	for key, look := range map[string]func(string) error{"User": l.user, "Group": l.group} {
		if name := settings[key]; name != "" && strings.Trim(name, "0123456789") != "" && settings["DynamicUser"] == "" && isUnknown(look(name)) {
			note("%s=%s: there is no such %s on this machine, and without it the service cannot start", key, name, strings.ToLower(key))
		}
	}
	if o.SocketGroup != "" && strings.Trim(o.SocketGroup, "0123456789") != "" && isUnknown(l.group(o.SocketGroup)) {
		note("--socket-group %s: there is no such group on this machine, and without it the socket cannot start", o.SocketGroup)
	}
	for _, key := range []string{"WorkingDirectory", "EnvironmentFile", "RootDirectory"} {
		path := settings[key]
		if rooted && key == "WorkingDirectory" || !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "%*?[") {
			continue
		}
		if _, err := l.stat(path); errors.Is(err, fs.ErrNotExist) {
			note("%s=%s does not exist on this machine, and without it the service cannot start", key, path)
		}
	}
	slices.Sort(all)
	return all
}

// isUnknown tells a name that is not there from one that could not be looked up.
func isUnknown(err error) bool {
	var u user.UnknownUserError
	var g user.UnknownGroupError
	return errors.As(err, &u) || errors.As(err, &g)
}

// closed is the directory above path into which others may not go, "" if there is none.
func (l look) closed(path string) string {
	for dir := filepath.Dir(path); ; dir = filepath.Dir(dir) {
		if info, err := l.stat(dir); err == nil && uint32(info.Mode().Perm())&unix.S_IXOTH == 0 {
			return dir
		}
		if dir == "/" {
			return ""
		}
	}
}
