package survivors

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/availd/availd/internal/manager"
)

// This file asks the service manager: what ExecStopPost= is run for is not in its
// variables alone.

// killedByStop reports whether a service has ended as in a crash, and is being stopped all
// the same: by KillSignal=SIGKILL, say, or by a crash in a stop. systemd calls both
// "signal" (SERVICE_RESULT of systemd.exec(5)), but in one of them there is a job. What
// cannot be told is a crash, after which the workers live.
func killedByStop(service string, getenv func(string) string) bool {
	if !slices.Contains([]string{"signal", "core-dump"}, getenv("SERVICE_RESULT")) {
		return false
	}
	ctx, cancel := manager.Unhurried()
	defer cancel()
	job, err := manager.Job(ctx, service)
	return err == nil && (job == "stop" || job == "restart")
}

// makeAnew has a socket unit started again that systemd gives up because a worker has shut
// its socket down (SocketResult "resources"). One that could not be made in the first place
// has that result, too: it has become inactive without having been active.
func makeAnew(socket string) error {
	ctx, cancel := manager.Unhurried()
	defer cancel()
	p, err := manager.Show(ctx, socket, "Result", "ActiveEnterTimestampMonotonic", "InactiveExitTimestampMonotonic")
	if err != nil || p["Result"] != "resources" {
		return nil // without an answer nobody can be asked for the start either
	}
	active, err := strconv.ParseUint(p["ActiveEnterTimestampMonotonic"], 10, 64)
	began, failed := strconv.ParseUint(p["InactiveExitTimestampMonotonic"], 10, 64)
	if err != nil || failed != nil || active == 0 || active < began {
		return nil
	}
	// A stop of both units ends the service first, and a start would take the place of that
	// of the socket.
	if job, err := manager.Job(ctx, socket); err != nil || job != "" {
		return nil
	}
	if err := manager.Enqueue(ctx, "start", socket); err != nil {
		return fmt.Errorf("make %s anew: %w", socket, err)
	}
	return nil
}
