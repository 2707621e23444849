//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/machine"
	"github.com/availd/availd/internal/testutil"
)

// Debian's releases stand for systemd's: the oldest supported, and a current one.
var (
	systemd252     = system{name: "systemd252", recipe: machine.Programs("bookworm"), atLeast: 252, not: onCurrent}
	systemdCurrent = system{name: "current", recipe: machine.Programs("trixie"), atLeast: 257, not: on252}
	// Control groups of v1 make a difference to who looks into them.
	systemdV1 = system{
		name: "v1", recipe: machine.Programs("bookworm"), atLeast: 252, v1: true,
		only: "TestMachine|TestStop|TestLostKill|TestLostStopCrashed|TestLostStore|TestLostStrangers",
	}
)

// Scenarios that ask nothing of systemd but to start a service and to pass its sockets are
// run on one of the two machines: on the other they would say the same again. They are shared
// out, so that both machines have as much to do. A run of chosen scenarios (-run) does not
// look at this.
var (
	on252 = []string{
		"TestAuto", "TestCheck", "TestCheckShipped", "TestDeaf", "TestFlood", "TestGitDaemon", "TestHostileReaders",
		"TestIdle", "TestIdleWatched", "TestInetdBurst", "TestInetdDescriptors", "TestInetdLostSession", "TestJournal",
		"TestJournalFlood", "TestLostIgnoring", "TestLostLimits", "TestLostReloadKilled", "TestLostUpgradeKilled",
		"TestMaxLifetime", "TestMaxRequests", "TestPHP", "TestPostfix", "TestQueueWait", "TestQuiesceStop", "TestSet",
		"TestSpares", "TestSshd", "TestStartTimeout", "TestStatus", "TestTemplateHangs", "TestTemplateKill",
		"TestTemplateUpgrade", "TestTry",
	}
	onCurrent = []string{
		"TestAccept", "TestBoardLost", "TestBoardVandal", "TestBusyTimeout", "TestCrash", "TestCrashingPage",
		"TestDemandBoard", "TestDemandC", "TestDemandGo", "TestDemandPython", "TestFcgiwrap", "TestFixed", "TestHAProxy",
		"TestIdleWorkers", "TestInetdLostDeploy", "TestInetdMaxPerSource", "TestLanguages", "TestLeak", "TestLostFreeze",
		"TestLostIdle", "TestLostSessions", "TestLostUpgradeRefused", "TestMistyped", "TestOddReports", "TestOpenLoad",
		"TestPrometheus", "TestReloadRefused", "TestRsyncDaemon", "TestScrapeIsNoWork", "TestSlow", "TestSocketserver",
		"TestStressRemote", "TestStressRestart", "TestTemplate", "TestTemplateReload", "TestTemplateThreads",
		"TestWorkerWatchdog",
	}
)

// TestOnOneMachine: what one machine leaves out is a scenario, and the other has it.
func TestOnOneMachine(t *testing.T) {
	files, err := filepath.Glob("guest/*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var sources strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sources.Write(text)
	}
	for _, name := range slices.Concat(on252, onCurrent) {
		if !strings.Contains(sources.String(), "\nfunc "+name+"(t *testing.T)") {
			t.Errorf("there is no scenario %s", name)
		}
		if slices.Contains(on252, name) && slices.Contains(onCurrent, name) {
			t.Errorf("no machine runs %s", name)
		}
	}
}

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
	case errors.Is(err, machine.ErrUnavailable) && !testutil.Required():
		t.Skipf("%v\nnot tested: availd under a real systemd", err)
	default:
		t.Fatal(err)
	}
}
