//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// client is a request that waits for its answer in the background.
type client struct {
	begun  time.Time
	answer chan error
}

func (s *service) client() client {
	c := client{begun: time.Now(), answer: make(chan error, 1)}
	load := s.load(1, "/")
	load.Timeout = time.Minute
	go func() {
		_, err := load.Get()
		c.answer <- err
	}()
	return c
}

// served waits until the client is, and fails when it was turned away.
func (c client) served(t *testing.T) {
	t.Helper()
	select {
	case err := <-c.answer:
		if err != nil {
			t.Errorf("the client was not served: %v", err)
		}
		t.Logf("the client was served after %v", time.Since(c.begun).Round(time.Millisecond))
	case <-time.After(time.Minute):
		t.Fatal("the client still waits after a minute")
	}
}

func (c client) stillWaits(t *testing.T) {
	t.Helper()
	select {
	case err := <-c.answer:
		t.Fatalf("the client was answered before its time: %v", err)
	default:
	}
}

// TestCrash: workers that end before their first job make pauses that double.
func TestCrash(t *testing.T) {
	t.Parallel()
	s := pool{name: "crash"}.install(t, knob("crash", "3"))
	check := s.neverFailed(t)
	c := s.client()
	if line := s.awaitLine("THROTTLED until"); !strings.HasSuffix(line, "3") {
		t.Errorf("STATUS=%q does not tell the cause", line)
	}
	s.awaitEvents(3, event.Throttled)
	c.stillWaits(t)
	s.unknob("crash")
	c.served(t)
	at := s.awaitEvents(3, event.Throttled) // on a slow machine there may have been another one before the worker was fixed
	t.Logf("%d pauses", len(at))
	for i := range at[:len(at)-1] {
		// The stamps are when journald took the messages; and a pause is followed by the
		// start of a worker that fails, which takes as long as it takes.
		want := float64(int(1) << i)
		if got := at[i+1].second(t) - at[i].second(t); got < want-0.5 || got > 2*want+5 {
			t.Errorf("pause %d lasted %.3f s, want %v", i+1, got, want)
		}
	}
	s.expectEvents(len(at), event.Throttled, reason(event.BadEnd), "AVAILD_EXIT_STATUS=3")
	s.awaitNoLine("THROTTLED")
	s.write("crash", "3") // a finished job has made the next pause short again
	main := s.Main()
	for _, w := range s.Workers() {
		kill(t, w)
	}
	s.empty()
	c = s.client()
	s.awaitLine("THROTTLED until")
	s.unknob("crash")
	c.served(t)
	// It would be 8 s and more. A client may have to wait for the one after it, too.
	n := len(at)
	if took := s.awaitEvents(n+1, event.ThrottleEnds)[n].second(t) - s.awaitEvents(n+1, event.Throttled)[n].second(t); took > 6 {
		t.Errorf("the pause after a good job took %.3f s", took)
	}
	if s.Main() != main {
		t.Error("availd was restarted because of its workers")
	}
	check()
}

// TestMistyped: a command that does not exist, with a client waiting.
func TestMistyped(t *testing.T) {
	t.Parallel()
	command := filepath.Join(filesRoot, "mistyped", "not-there.py")
	s := pool{name: "mistyped", command: []string{command, filepath.Dir(command)}}.install(t)
	check := s.neverFailed(t)
	c := s.client()
	harness.WaitFor(t, "STATUS= to name the command", harness.Patience, func() bool {
		return strings.Contains(s.Status(), command)
	})
	t.Logf("STATUS=%s", s.Status())
	const period = 10 * time.Second
	harness.WaitFor(t, "10 s to pass", harness.Patience, func() bool { return time.Since(c.begun) >= period })
	c.stillWaits(t)
	s.awaitSaid("Starting ")
	starts, passed := s.said("Starting "), time.Since(c.begun)
	t.Logf("%d starts in %v, NRestarts %s", starts, passed, s.Show("NRestarts"))
	if most := 1 + int(passed/(5*time.Second)); starts > most {
		t.Errorf("%d starts in %v, want %d at most", starts, passed, most)
	}
	s.write("not-there.py", knobbed)
	c.served(t)
	s.awaitSaid("status=78")
	check()
}

// TestCommandVanishes: a command that cannot be executed any more while the
// service runs. What is missing is named: under the settings of the shipped
// units, where the kernel's answer to execve is known before the start is done.
func TestCommandVanishes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, says string
		spoil      func(s *service)
	}{
		{"vanishes", "worker.py: no such file or directory", func(s *service) {
			if err := os.Remove(filepath.Join(s.dir, "worker.py")); err != nil {
				t.Error(err)
			}
		}},
		{"interpreter", "worker.py: its interpreter: no such file or directory", func(s *service) {
			s.write("worker.py", "#!/no/such/interpreter\n")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			vanish(t, pool{name: c.name}.install(t), c.spoil, c.says)
		})
	}
}

func vanish(t *testing.T, s *service, spoil func(*service), says string) {
	check := s.neverFailed(t)
	main := s.get("/")
	t.Logf("generation %d", main.Generation)
	spoil(s)
	for _, w := range s.Workers() {
		kill(t, w)
	}
	s.empty()
	c := s.client()
	if line := s.awaitLine("THROTTLED until"); !strings.HasSuffix(line, says) {
		t.Errorf("STATUS=%q does not say %q", line, says)
	}
	c.stillWaits(t)
	s.write("worker.py", knobbed)
	c.served(t)
	check()
}
