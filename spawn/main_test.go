package spawn

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/startlimit"
	"github.com/availd/availd/internal/testutil"
)

// TestMain lets the test binary play availd's first image of a worker, a parent
// that was started in an unusual way, and checks that no descriptor and no
// child is left behind.
func TestMain(m *testing.M) {
	Become()
	if os.Getenv("SPAWN_TEST_PARENT") != "" {
		parent()
	}
	testutil.Main(m)
}

// ways are how workers can be started here: directly, and by the trampoline.
func ways() []bool {
	if haveClone {
		return []bool{true, false}
	}
	return []bool{false}
}

var wayNames = map[bool]string{true: "clone", false: "trampoline"}

// take has starts go a way until the returned function is called.
func take(w bool) (back func()) {
	was := direct.Swap(w)
	return func() { direct.Store(was) }
}

// all runs a test for every way to be started.
func all(t *testing.T, test func(*testing.T)) {
	for _, w := range ways() {
		back := take(w)
		t.Run(wayNames[w], test)
		if got := direct.Load(); got != w {
			t.Errorf("%s: a start took the way %s", wayNames[w], wayNames[got])
		}
		back()
	}
}

// executed waits until the start of p is over.
func executed(t testing.TB, p Process) error {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); runtime.Gosched() {
		if over, err := p.Executed(); over {
			return err
		}
	}
	t.Fatalf("the start of %d takes for ever", p.PID)
	return nil
}

// standard is what a worker gets that is handed nothing.
var standard = Handover{Files: []int{Null, 1, 2}}

// parent runs in a process of its own, with limits and signals that a test has
// chosen, and starts one worker from there.
func parent() {
	var c Command
	if err := json.Unmarshal([]byte(os.Getenv("SPAWN_TEST_COMMAND")), &c); err != nil {
		panic(err)
	}
	if c.IgnoreSIGPIPE {
		signal.Ignore(unix.SIGPIPE)
	}
	for w, name := range wayNames {
		if name == os.Getenv("SPAWN_TEST_WAY") {
			take(w)
		}
	}
	for _, text := range strings.Split(os.Getenv("SPAWN_TEST_REFUSE"), ",") {
		if text != "" {
			refuse(text)
		}
	}
	c.Environ = os.Environ()
	c.Descriptors.Cur, c.Descriptors.Max = startlimit.Descriptors()
	p, err := c.Start(7, false, standard)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for over := false; !over; runtime.Gosched() {
		over, _ = p.Executed()
	}
	if os.Getenv("SPAWN_TEST_DIES") != "" {
		die(p)
	}
	_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}}, 10_000)
	end, ended, err := p.Wait()
	fmt.Println(end, ended, err, wayNames[direct.Load()], c.Detour)
	os.Exit(0)
}

// runParent starts this binary as parent through a shell, which sets up what Go
// could not. The start must go the way that is chosen.
func runParent(t *testing.T, setup string, c Command) {
	t.Helper()
	if got, want := parentSays(t, setup, c), "exited with status 0 true <nil> "+wayNames[direct.Load()]; !strings.Contains(got, want) {
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
	cmd.Env = append(os.Environ(), "SPAWN_TEST_PARENT=1", "SPAWN_TEST_COMMAND="+string(text), "SPAWN_TEST_WAY="+wayNames[direct.Load()])
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	return string(got)
}
