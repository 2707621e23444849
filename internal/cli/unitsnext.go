package cli

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/units"
)

// next is what is said on standard error after a set of units: what to know, and the
// commands that bring it into service. Standard output is the set.
type next struct {
	options units.Options
	set     units.Set
	dir     string // where the units were written, absolute, or ""
	changes units.Difference
	look    look
}

// confDir is where NAME.conf is written: where the service looks for it if the units
// are where systemd looks for them, else beside them, to be moved together.
func (n next) confDir() string {
	if isUnitDir(n.dir) {
		return n.set.ConfDir
	}
	return n.dir
}

func (n next) say(w io.Writer) {
	o := n.options
	for _, note := range append(n.set.Notes, n.look.notes(o)...) {
		fmt.Fprintln(w, note)
	}
	isPath := func(address string) bool { return strings.HasPrefix(address, "/") }
	if i := slices.IndexFunc(o.Listen, isPath); i >= 0 && o.SocketGroup == "" && o.ConfigHome == "" {
		fmt.Fprintf(w, "only root can connect to %s; name the group of the clients with --socket-group\n", o.Listen[i])
	}
	if !slices.ContainsFunc(o.Run, func(word string) bool { return strings.HasPrefix(word, "--protocol=") }) {
		fmt.Fprintln(w, "no --protocol is given: it is auto, with blocking sockets, for programs that accept on descriptor 3; "+protocol.Offers()+"; availd try -- COMMAND finds out")
	}
	if n.dir == "" {
		fmt.Fprintf(w, "next: write them, with --output %s\n", n.set.UnitDir)
		return
	}
	n.commands(w)
}

// commands are those that make systemd use what was written.
func (n next) commands(w io.Writer) {
	systemctl, sudo := "systemctl", "sudo "
	if n.options.ConfigHome != "" {
		systemctl, sudo = "systemctl --user", ""
	}
	socket, service := n.set.Name+".socket", n.set.Name+".service"
	live := !n.changes.New && (n.look.active(n.options, socket) || n.look.active(n.options, service))
	if live && n.changes == (units.Difference{}) {
		fmt.Fprintln(w, "nothing has changed")
		return
	}
	fmt.Fprintln(w, "next:")
	if n.confDir() != filepath.Clean(n.set.ConfDir) {
		fmt.Fprintf(w, "  %sinstall -D -m 644 -t %s %s\n", sudo, n.set.ConfDir, filepath.Join(n.confDir(), n.set.Name+".conf"))
	}
	if n.dir != n.set.UnitDir && !isUnitDir(n.dir) {
		fmt.Fprintf(w, "  %s%s link", sudo, systemctl)
		for _, unit := range n.set.Units() {
			fmt.Fprintf(w, " %s", filepath.Join(n.dir, unit))
		}
		fmt.Fprintln(w)
	}
	if n.changes.New || n.changes.Sockets || n.changes.Service {
		fmt.Fprintf(w, "  %s%s daemon-reload\n", sudo, systemctl)
	}
	switch {
	case live && n.changes.Sockets:
		fmt.Fprintf(w, "  %s%s restart %s %s\n", sudo, systemctl, socket, service)
		fmt.Fprintln(w, "The service runs. This closes its sockets: until requests have finished and they are open again clients are refused, and those that wait in the queue lose their connection.")
	case live && n.changes.Service:
		fmt.Fprintf(w, "  %s%s restart %s\n", sudo, systemctl, service)
		fmt.Fprintf(w, "The service runs. Its requests may take --stop-timeout to finish; clients that come meanwhile wait in the queue.\n")
	case live:
		fmt.Fprintf(w, "  %s%s reload %s\n", sudo, systemctl, service)
	case strings.Contains(string(n.set.Service), "\n[Install]\n"):
		fmt.Fprintf(w, "  %s%s enable --now %s %s\n", sudo, systemctl, socket, service)
	default:
		fmt.Fprintf(w, "  %s%s enable --now %s\n", sudo, systemctl, socket)
	}
}

// isUnitDir tells the directories in which systemd looks for units
// (systemd.unit(5)).
func isUnitDir(dir string) bool {
	return slices.ContainsFunc([]string{"systemd/system", "systemd/user"}, func(end string) bool {
		return strings.HasSuffix(dir, "/"+end)
	})
}

// systemdWait bounds a question to systemd.
const systemdWait = 5 * time.Second

// runningSystemd is the version of the installed systemd, which is what will
// read the units; without one they are written for the oldest, which all can
// read.
func runningSystemd(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, systemdWait)
	defer cancel()
	out, err := exec.CommandContext(ctx, "systemctl", "--version").Output()
	version := 0
	if _, scan := fmt.Sscanf(string(out), "systemd %d", &version); err != nil || scan != nil {
		return units.OldestSystemd
	}
	return max(version, units.OldestSystemd)
}
