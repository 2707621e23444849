//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
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
	if line := s.awaitLine("THROTTLED until"); !strings.HasSuffix(line, ": worker exited with status 3") {
		t.Errorf("STATUS=%q does not tell the cause", line)
	}
	const pause = "no new workers until"
	harness.WaitFor(t, "three pauses", harness.Patience, func() bool { return s.said(pause) >= 3 })
	c.stillWaits(t)
	s.unknob("crash")
	c.served(t)
	at := s.times(pause)
	t.Logf("pauses begin at %v s", at)
	for i := range at[:len(at)-1] {
		want := float64(int(1) << i)
		if got := at[i+1] - at[i]; got < want || got > 2*want+1 {
			t.Errorf("pause %d lasted %.3f s, want %v", i+1, got, want)
		}
	}
	s.expectSaid(3, "worker exited with status 3; clients wait in the socket's queue")
	if line := checkLine(t, s.Status()); strings.Contains(line, "THROTTLED") {
		t.Errorf("STATUS=%q after the pauses", line)
	}
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
	// It would be 8 s. A client may have to wait for the one after it, too.
	if took := s.times("workers are started again")[3] - s.times(pause)[3]; took > 3 {
		t.Errorf("the pause after a good job took %.3f s", took)
	}
	if s.Main() != main {
		t.Error("availd was restarted because of its workers")
	}
	check()
}

// times are the seconds since boot at which the journal says a text.
func (s *service) times(text string) (at []float64) {
	stamp := regexp.MustCompile(`^\[ *([0-9.]+)\]`)
	for _, line := range splitLines(s.Journal()) {
		if m := stamp.FindStringSubmatch(line); m != nil && strings.Contains(line, text) {
			second, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			at = append(at, second)
		}
	}
	return at
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
	starts := s.said("Starting ")
	t.Logf("%d starts in %v, NRestarts %s", starts, period, s.Show("NRestarts"))
	if starts < 1 || starts > 3 {
		t.Errorf("%d starts in %v, want 3 at most", starts, period)
	}
	s.write("not-there.py", knobbed)
	c.served(t)
	if s.said("status=78") == 0 {
		t.Errorf("no start ended with status 78:\n%s", s.Journal())
	}
	check()
}

// TestCommandVanishes: a command that cannot be executed any more while the
// service runs. What is missing is named: under the settings of the shipped
// units, where the kernel's answer to execve is known before the birth is done.
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
