package daemon

import (
	"context"
	"os"
	"slices"
	"strings"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/manager"
	"github.com/availd/availd/internal/nowait"
)

// socketVariable is the variable in which a unit says which socket unit runs availd reap
// when it has ended. Where the bus is closed to a service, nobody else can tell it.
const socketVariable = "AVAILD_SOCKET"

// replaceSocket has the service manager make the sockets of that name anew. Where this
// service may not ask for a restart, which only root and a user's own services may as a
// rule, there is another way for a socket that was shut down: as long as the service runs
// systemd does not look at the socket. When the service has ended it does, finds it shut
// down, and gives the unit up; then availd reap, which the unit has as its ExecStopPost=,
// is root and starts it again.
func (d *daemon) replaceSocket(name string, shutDown bool, done func(loop.Remedy)) {
	go nowait.Blocking(func() {
		ctx, cancel := manager.Unhurried()
		defer cancel()
		r, err := remedy(ctx, unitName(), name, shutDown)
		if err != nil {
			event.Log(d.log, event.ManagerSilent, event.Socket(name), event.Cause(err))
		}
		done(r)
	})
}

// remedy also says why the service manager was of no help.
func remedy(ctx context.Context, service, name string, shutDown bool) (loop.Remedy, error) {
	socket, reaped := "", false
	p, err := manager.Show(ctx, service, "TriggeredBy", "Restart")
	if err == nil {
		socket = socketNamed(ctx, name, strings.Fields(p["TriggeredBy"]))
		reaped = socket != "" && reaps(ctx, socket)
	} else if os.Getenv(socketVariable) == name {
		socket, reaped = name, true
	}
	if socket == "" {
		return loop.NoRemedy, err
	}
	if err := manager.Enqueue(ctx, "restart", socket, service); err == nil {
		return loop.Restarted, nil
	} else if !shutDown || !reaped || startsAgain(p["Restart"]) {
		return loop.NoRemedy, err
	}
	return loop.AfterExit, nil
}

// startsAgain reports whether a service is started again after an orderly end (Restart= of
// systemd.service(5)): systemd would not look at its socket then.
func startsAgain(restart string) bool {
	return slices.Contains([]string{"always", "on-success"}, restart)
}

// socketNamed is the socket unit whose sockets have that name (FileDescriptorName= of
// systemd.socket(5), by default the unit's own); "" = none of these.
func socketNamed(ctx context.Context, name string, units []string) string {
	for _, unit := range units {
		if p, err := manager.Show(ctx, unit, "FileDescriptorName"); err == nil && (p["FileDescriptorName"] == name || p["FileDescriptorName"] == "" && unit == name) {
			return unit
		}
	}
	return ""
}

// reaps reports whether a unit runs availd reap when it has ended.
func reaps(ctx context.Context, unit string) bool {
	p, err := manager.Show(ctx, unit, "ExecStopPost")
	return err == nil && strings.Contains(p["ExecStopPost"], " reap ;")
}

// replacer is replaceSocket where there is a service manager that has made the sockets.
func (d *daemon) replacer() func(string, bool, func(loop.Remedy)) {
	if d.listened || unitName() == "" {
		return nil
	}
	return d.replaceSocket
}
