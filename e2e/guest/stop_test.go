//go:build e2e

package guest

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// inFlight starts n requests of that length and waits until all are held.
func (s *service) inFlight(n int, path string) []client {
	s.t.Helper()
	var clients []client
	for range n {
		c := client{begun: time.Now(), answer: make(chan error, 1)}
		load := s.load(1, path)
		load.Timeout = time.Minute
		go func() {
			_, err := load.Get()
			c.answer <- err
		}()
		clients = append(clients, c)
	}
	s.await("the requests to be held", func(st status.Service) bool { return int(st.Busy) == n })
	return clients
}

// gone checks that a stopped service has left nothing.
func (s *service) gone() {
	s.t.Helper()
	if left := s.Processes(); len(left) != 0 {
		s.t.Errorf("the stop left %v", left)
	}
	for _, unit := range []string{s.Socket(), s.Service()} {
		state, result := harness.Show(s.t, unit, "ActiveState"), harness.Show(s.t, unit, "Result")
		if state != "inactive" || result != "success" {
			s.t.Errorf("%s is %s with result %s after the stop", unit, state, result)
		}
	}
}

// TestStop: what is in flight is finished, then nothing is left.
func TestStop(t *testing.T) {
	t.Parallel()
	s := pool{name: "stop", options: []string{"--limit=6"}}.install(t)
	clients := s.inFlight(4, "/sleep?5000") // long enough to be seen together
	begin := time.Now()
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	t.Logf("the stop took %v", time.Since(begin).Round(time.Millisecond))
	for _, c := range clients {
		c.served(t)
	}
	s.gone()
	harness.Systemctl(t, "start", s.Socket())
	s.get("/")
	harness.Systemctl(t, "restart", s.Service())
	s.get("/")
	s.await("counting to go on", func(st status.Service) bool { return *st.Counters.Requests == 2 })
	for _, lost := range []*event.Message{event.StateLost, event.ReportsLost, event.ControlLost, event.BoardLost} {
		s.expectEvents(0, lost) // a restart is nothing to warn of
	}
	s.Stop() // with an idle worker
	if line := s.Status(); !strings.HasPrefix(line, "0 busy, 0 idle, limit 6 |") || strings.Contains(line, "draining") {
		t.Errorf("a stopped service says %q", line)
	}
	if left := s.Processes(); len(left) != 0 {
		t.Errorf("the stop left %v", left)
	}
	s.get("/") // the socket is still there
}

// TestStopTwice: whoever asks twice does not wait.
func TestStopTwice(t *testing.T) {
	t.Parallel()
	s := pool{name: "stop-twice"}.install(t)
	clients := s.inFlight(2, "/sleep?30000")
	harness.Systemctl(t, "stop", "--no-block", s.Socket(), s.Service())
	s.awaitLine("draining")
	if main := s.Main(); !main.Alive() || len(s.Workers()) != 2 {
		t.Errorf("draining, but %v and %d workers are there", main, len(s.Workers()))
	}
	begin := time.Now()
	s.Signal(unix.SIGTERM)
	harness.WaitFor(t, "both units to end", harness.Patience, seldom(func() bool {
		return s.Show("ActiveState") == "inactive" && harness.Show(t, s.Socket(), "ActiveState") == "inactive"
	}))
	t.Logf("ended %v after the second signal", time.Since(begin).Round(time.Millisecond))
	for _, c := range clients {
		if err := <-c.answer; err == nil {
			t.Error("a request of 30 s was answered")
		}
	}
	s.gone()
	s.expectEvents(1, event.StoppingNow)
}

// TestStopTimeout: a worker that does not finish is not waited for for ever.
func TestStopTimeout(t *testing.T) {
	t.Parallel()
	s := pool{name: "stop-timeout", options: []string{"--stop-timeout=1s"}}.install(t)
	clients := s.inFlight(1, "/sleep?30000")
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	if err := <-clients[0].answer; err == nil {
		t.Error("a request of 30 s was answered")
	}
	s.gone()
	s.expectEvents(1, event.StopTimeout, "AVAILD_SIGNAL=SIGKILL")
	patience := s.events(event.StopTimeout)[0].second(t) - s.awaitEvents(1, event.Stopping, "AVAILD_SIGNAL=SIGTERM")[0].second(t)
	t.Logf("killed %.3f s after the signal", patience)
	if patience < 0.5 || patience > 10 { // the time stamps are when journald took the messages
		t.Errorf("killed %.3f s after the signal, want 1", patience)
	}
}
