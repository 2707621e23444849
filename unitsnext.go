package main

import (
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/units"
)

// sayNext names the commands that bring a set into service, on standard error:
// standard output is the set. dir is where it was written, or "".
func sayNext(w io.Writer, o units.Options, set units.Set, dir string) {
	isPath := func(address string) bool { return strings.HasPrefix(address, "/") }
	if i := slices.IndexFunc(o.Listen, isPath); i >= 0 && o.SocketGroup == "" && o.ConfigHome == "" {
		fmt.Fprintf(w, "only root can connect to %s; name the group of the clients with --socket-group\n", o.Listen[i])
	}
	if !slices.ContainsFunc(o.Run, func(word string) bool { return strings.HasPrefix(word, "--protocol=") }) {
		fmt.Fprintln(w, "without --protocol the sockets block, as accept loops want them; workers that report want --protocol notify")
	}
	if dir == "" {
		fmt.Fprintf(w, "next: write them, with --output %s\n", set.UnitDir)
		return
	}
	systemctl, sudo := "systemctl", ""
	if o.ConfigHome != "" {
		systemctl += " --user"
	} else {
		sudo = "sudo "
	}
	fmt.Fprintln(w, "next:")
	dir, _ = filepath.Abs(dir) // no error: the set was written to it
	if dir != filepath.Clean(set.ConfDir) {
		fmt.Fprintf(w, "  %sinstall -D -m 644 -t %s %s\n", sudo, set.ConfDir, filepath.Join(dir, set.Name+".conf"))
	}
	socket, service := set.Name+".socket", set.Name+".service"
	if dir != set.UnitDir && !isUnitDir(dir) {
		fmt.Fprintf(w, "  %s%s link", sudo, systemctl)
		for _, unit := range set.Units() {
			fmt.Fprintf(w, " %s", filepath.Join(dir, unit))
		}
		fmt.Fprintln(w)
	}
	start := socket
	if strings.Contains(string(set.Service), "\n[Install]\n") {
		start += " " + service
	}
	fmt.Fprintf(w, "  %s%s daemon-reload\n  %s%s enable --now %s\n", sudo, systemctl, sudo, systemctl, start)
}

// isUnitDir tells the directories in which systemd looks for units
// (systemd.unit(5)).
func isUnitDir(dir string) bool {
	return slices.ContainsFunc([]string{"systemd/system", "systemd/user"}, func(end string) bool {
		return strings.HasSuffix(dir, "/"+end)
	})
}

// systemdWait bounds the question for systemd's version.
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
