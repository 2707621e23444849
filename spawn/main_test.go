package spawn

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/first"
	"github.com/availd/availd/internal/leak"
)

// TestMain lets the test binary play availd's first image of a worker, a parent
// that was started in an unusual way, and checks that no descriptor and no
// child is left behind.
func TestMain(m *testing.M) {
	Become()
	if out := os.Getenv("SPAWN_TEST_PARENT"); out != "" {
		parent(out)
	}
	leak.Main(m)
}

// both runs a test for either way to be born.
func both(t *testing.T, test func(*testing.T)) {
	was := direct.Load()
	defer direct.Store(was)
	for _, way := range []struct {
		name   string
		direct bool
	}{{"direct", true}, {"trampoline", false}} {
		if way.direct && !was {
			t.Log("no direct births here")
			continue
		}
		direct.Store(way.direct)
		t.Run(way.name, test)
		if direct.Load() != way.direct {
			t.Errorf("%s: a birth took the other way", way.name)
		}
	}
}

// standard is what a worker gets that is handed nothing.
var standard = Handover{Files: []int{Null, 1, 2}}

// parent runs in a process of its own, with limits and signals that a test has
// chosen, and gives birth to one worker from there.
func parent(out string) {
	var c Command
	if err := json.Unmarshal([]byte(os.Getenv("SPAWN_TEST_COMMAND")), &c); err != nil {
		panic(err)
	}
	if c.IgnoreSIGPIPE {
		signal.Ignore(unix.SIGPIPE)
	}
	direct.Store(os.Getenv("SPAWN_TEST_DIRECT") == "true")
	if text := os.Getenv("SPAWN_TEST_REFUSE"); text != "" {
		refuse(text)
	}
	c.Environ = os.Environ()
	c.Descriptors.Cur, c.Descriptors.Max = first.Descriptors()
	p, err := c.Start(7, false, standard)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 10_000)
	end, ended, err := p.Wait()
	fmt.Println(end, ended, err, direct.Load())
	os.Exit(0)
}

// runParent starts this binary as parent through a shell, which sets up what Go
// could not. The birth must go the way that is chosen.
func runParent(t *testing.T, setup string, c Command) {
	t.Helper()
	if got, want := parentSays(t, setup, c), fmt.Sprintf("{0 0} true <nil> %t", direct.Load()); !strings.Contains(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

func parentSays(t *testing.T, setup string, c Command) string {
	t.Helper()
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", setup+`; exec "$0"`, "/proc/"+fmt.Sprint(os.Getpid())+"/exe")
	cmd.Env = append(os.Environ(), "SPAWN_TEST_PARENT=1", "SPAWN_TEST_COMMAND="+string(text), fmt.Sprintf("SPAWN_TEST_DIRECT=%t", direct.Load()))
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	return string(got)
}
