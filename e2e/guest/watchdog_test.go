//go:build e2e

package guest

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// TestWatchdog: an availd that does not turn its loop is replaced by systemd,
// and nobody is turned away meanwhile.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	s := pool{name: "watchdog", service: []string{"WatchdogSec=1s"}}.install(t)
	check := s.neverFailed(t)
	s.Start()
	t.Run("without workers", func(t *testing.T) {
		stopped := s.hang()
		clients := []client{s.client(), s.client(), s.client()}
		s.awaitAnother(stopped)
		for _, c := range clients {
			c.served(t)
		}
	})
	t.Run("under load", func(t *testing.T) {
		running := s.load(4, "/sleep?10").Start()
		harness.WaitFor(t, "50 answers", harness.Patience, more(running, 50))
		s.awaitAnother(s.hang())
		harness.WaitFor(t, "50 answers more", harness.Patience, more(running, 50))
		allServed(t, running.Stop())
	})
	s.expectSaid(2, "Watchdog timeout")
	check()
}

// hang stops availd as a bug would.
func (s *service) hang() harness.Process {
	s.t.Helper()
	main := s.Main()
	s.Signal(unix.SIGSTOP)
	return main
}

func (s *service) awaitAnother(than harness.Process) {
	s.t.Helper()
	harness.WaitFor(s.t, "systemd to start another availd", harness.Patience, func() bool {
		main := s.Main()
		return main.PID != 0 && main != than && s.Show("ActiveState") == "active"
	})
}

// kill ends one process as an administrator would.
func kill(t *testing.T, p harness.Process) {
	t.Helper()
	if err := unix.Kill(p.PID, unix.SIGTERM); err != nil {
		t.Errorf("kill pid %d: %v", p.PID, err)
	}
}
