//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/availd/availd/e2e/machine"
	"github.com/availd/availd/internal/need"
)

// Debian's releases stand for systemd's: the oldest supported, and a current one.
var (
	systemd252     = system{name: "systemd252", recipe: machine.Programs("bookworm"), atLeast: 252}
	systemdCurrent = system{name: "current", recipe: machine.Programs("trixie"), atLeast: 257}
	// Control groups of v1 make a difference to who looks into them.
	systemdV1 = system{
		name: "v1", recipe: machine.Programs("bookworm"), atLeast: 252, v1: true,
		only: "TestMachine|TestStop|TestLostKill|TestLostStopCrashed|TestLostStore|TestLostStrangers",
	}
)

func TestSystemd252(t *testing.T) { t.Parallel(); systemd252.run(t) }

func TestSystemdCurrent(t *testing.T) { t.Parallel(); systemdCurrent.run(t) }

func TestControlGroupsV1(t *testing.T) { t.Parallel(); systemdV1.run(t) }

func TestMain(m *testing.M) {
	if tree := os.Getenv(envDriver); tree != "" {
		drive(tree)
	}
	status := m.Run()
	if err := removeArtifacts(); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		status = max(status, 1)
	}
	os.Exit(status)
}

// deadline leaves the last seconds before the test's own for stopping the
// machine and saying what was going on: when "go test" itself runs out of
// time, cleanups do not run.
func deadline(t *testing.T) context.Context {
	at, ok := t.Deadline()
	if !ok {
		return t.Context()
	}
	ctx, cancel := context.WithDeadline(t.Context(), at.Add(-30*time.Second))
	t.Cleanup(cancel)
	return ctx
}

// possible ends the test when err says that this host cannot do it: skipped,
// or failed when it is required.
func possible(t *testing.T, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, machine.ErrUnavailable) && !need.Required():
		t.Skipf("%v\nnot tested: availd under a real systemd", err)
	default:
		t.Fatal(err)
	}
}
