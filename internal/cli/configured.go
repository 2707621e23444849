package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/availd/availd/internal/manager"
	"github.com/availd/availd/internal/status"
)

// A service that cannot be started has no control socket, and would be missing where the
// others are shown. systemd knows it: by RuntimeDirectory=availd/NAME, which every
// service of availd has that can be asked.

// configured is a service as systemd sees it.
type configured struct {
	name, service  string
	active, result string // ActiveState= and Result= of the service
	sockets        map[string]string
	user           bool // it is one of the user's own service manager
}

// booted is there while systemd runs (sd_booted(3)), and another one in the tests.
var booted = "/run/systemd/system"

// managers are the service managers that can be asked, the system's and the user's own.
// systemctl(1) waits for one that is not there.
func managers() (users []bool) {
	if _, err := os.Stat(booted); err == nil {
		users = append(users, false)
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		if _, err := os.Stat(filepath.Join(dir, "systemd", "private")); err == nil {
			users = append(users, true)
		}
	}
	return users
}

// configuredServices are the services of availd that systemd has loaded, with thorough
// those whose socket is enabled, too; with a name, the one of that name.
func configuredServices(name string, thorough bool) (all []configured) {
	ctx, cancel := context.WithTimeout(context.Background(), systemdWait)
	defer cancel()
	for _, user := range managers() {
		units := []string{name + ".service"}
		if name == "" {
			units = []string{"*.service"}
			if thorough {
				units = append(enabledServices(ctx, user), units...)
			}
		}
		blocks, _ := manager.ShowAll(ctx, user, units, "Id", "RuntimeDirectory", "ActiveState", "Result", "TriggeredBy", "LoadState") // availd runs without systemd, too
		for _, b := range blocks {
			c := configured{service: b["Id"], active: b["ActiveState"], result: b["Result"], user: user}
			for dir := range strings.FieldsSeq(b["RuntimeDirectory"]) {
				if base, ok := strings.CutPrefix(dir, "availd/"); ok {
					c.name = base
				}
			}
			if c.name == "" || b["LoadState"] != "loaded" || slices.ContainsFunc(all, func(o configured) bool { return o.service == c.service }) {
				continue
			}
			c.sockets = socketStates(ctx, user, strings.Fields(b["TriggeredBy"]))
			all = append(all, c)
		}
	}
	return all
}

// enabledServices are those whose sockets systemd starts with the machine; one that was
// stopped is not loaded any more.
func enabledServices(ctx context.Context, user bool) (names []string) {
	sockets, _ := manager.EnabledSockets(ctx, user) // without systemd there is nothing
	for _, socket := range sockets {
		if base, ok := strings.CutSuffix(socket, ".socket"); ok && !strings.Contains(base, "@") {
			names = append(names, base+".service")
		}
	}
	return names
}

// socketStates is ActiveState= by socket.
func socketStates(ctx context.Context, user bool, sockets []string) map[string]string {
	states := map[string]string{}
	if len(sockets) == 0 {
		return states
	}
	blocks, _ := manager.ShowAll(ctx, user, sockets, "Id", "ActiveState")
	for _, b := range blocks {
		states[b["Id"]] = b["ActiveState"]
	}
	return states
}

// judge says how a service is that has given no answer itself.
func (c configured) judge() status.Trouble {
	see := " (see systemctl status " + c.service + ")"
	for socket, state := range c.sockets {
		if state == "failed" {
			return status.Trouble{Severity: status.Critical, Text: c.name + ": " + socket + " has failed: clients are refused" + see}
		}
	}
	listens := false
	for _, state := range c.sockets {
		listens = listens || state == "active"
	}
	switch {
	case c.active == "failed" || c.result != "success":
		return status.Trouble{Severity: status.Critical, Text: c.name + ": cannot be started (" + c.result + "): clients wait" + see}
	case c.active == "active":
		return status.Trouble{Severity: status.Unknown, Text: c.name + ": runs and does not answer" + see}
	case c.active == "activating" || c.active == "deactivating":
		return status.Trouble{Severity: status.Warning, Text: c.name + ": is " + c.active + see}
	case listens:
		return status.Trouble{Severity: status.OK, Text: c.name + ": not started, the next client starts it"}
	default:
		return status.Trouble{Severity: status.Critical, Text: c.name + ": its sockets are stopped: clients are refused" + see}
	}
}
