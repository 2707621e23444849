package cli

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// locked is availd with the loop, which is the main goroutine's, on the main thread for
// good, and on that alone: so its system calls can be told from those of others.
func locked() {
	runtime.GOMAXPROCS(1) // as internal/oneprocessor has it
	os.Exit(Main(os.Args, ""))
}

// init locks it there: only now is the main goroutine sure to be on the main thread.
func init() {
	if filepath.Base(os.Args[0]) == "availd-locked" {
		runtime.LockOSThread()
	}
}

// listedCall is a line of the list: a call with arguments of that form returns at once.
type listedCall struct {
	name string
	form *regexp.Regexp
	seen bool
}

// readCalls reads the list of the loop's system calls: name, form and reason.
func readCalls(t *testing.T) (list []*listedCall) {
	t.Helper()
	text, err := os.ReadFile("../loop/calls.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		parts := strings.Split(strings.TrimSpace(line), "\t")
		parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
		if len(parts) != 3 {
			t.Fatalf("%q is not a call, a form and a reason", line)
		}
		form, err := regexp.Compile(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &listedCall{name: parts[0], form: form})
	}
	return list
}

// TestLoopCalls: while the service is used in every way, the loop's thread makes the
// system calls that are listed with the reason why they return at once, and no others.
func TestLoopCalls(t *testing.T) {
	strace := testutil.Program(t, "strace")
	list := readCalls(t)
	for name, words := range map[string][]string{
		"notify": {"--protocol=notify", "--", "rogue"},
		"queue":  {"--protocol=queue", "--idle-timeout=5s", "--", "rogue", "queue"},
		"forks":  {"--protocol=notify", "--template=worker", "--max-requests=1", "--", "../../examples/http-python/worker.py"},
		"inetd":  {"--protocol=inetd", "--max-per-source=2", "--", "/bin/cat"},
	} {
		t.Run(name, func(t *testing.T) { useTraced(t, strace, list, words) })
	}
	for _, name := range []string{"recvmsg", "read", "getsockopt", "epoll_ctl", "close"} {
		if !slices.ContainsFunc(list, func(c *listedCall) bool { return c.name == name && c.seen }) {
			t.Errorf("%s was not seen: what was traced is not the loop", name)
		}
	}
}

func useTraced(t *testing.T, strace string, list []*listedCall, words []string) {
	dir := t.TempDir()
	out, address, control := filepath.Join(dir, "trace"), filepath.Join(dir, "s"), filepath.Join(dir, "control")
	availd, err := exec.LookPath("availd-locked")
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"-f", "--detach-on=execve", "-qq", "-e", "signal=none", "-o", out, availd, "run", "--listen=" + address, "--control=" + control, "--limit=3", "--name=traced"}, words...)
	cmd := exec.Command(strace, args...)
	cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { // strace detaches, and availd goes on: it is ended by its own number
		_ = cmd.Process.Kill()
		if pid := loopThread(out); pid > 0 {
			_ = unix.Kill(pid, unix.SIGKILL)
		}
	}()
	run := func(program string, args ...string) bool {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return exec.CommandContext(ctx, program, args...).Run() == nil
	}
	testutil.WaitFor(t, func() bool { return run("availd", "status", control) }, "an answer")
	if words[0] == "--protocol=inetd" {
		for range 4 {
			if fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
				_ = unix.Connect(fd, &unix.SockaddrUnix{Name: address})
				defer unix.Close(fd)
			}
		}
	} else {
		paths := []string{"/", "/unblock", "/async", "/flood", "/rights", "/", "/shutdown", "/"}
		if words[1] == "--template=worker" { // the others are this package's own worker's
			paths = []string{"/", "/", "/", "/", "/"}
		}
		for _, path := range paths {
			testutil.WaitFor(t, func() bool { return run("get", address, path) }, path)
		}
	}
	testutil.WaitFor(t, func() bool { return run("availd", "reload", control) }, "a reload")
	testutil.WaitFor(t, func() bool { return run("availd", "status", control) }, "an answer")
	pid := loopThread(out)
	if pid <= 0 {
		t.Fatal("the trace is empty")
	}
	_ = unix.Kill(pid, unix.SIGTERM)
	select {
	case <-ended:
	case <-time.After(time.Minute):
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Fatal("it does not end")
	}
	compareCalls(t, out, pid, list)
}

// loopThread is the number at the beginning of the trace: the process's, and its main
// thread's; 0 = there is none.
func loopThread(trace string) int {
	text, err := os.ReadFile(trace)
	if err != nil {
		return 0
	}
	number, _, _ := strings.Cut(string(text), " ")
	pid, _ := strconv.Atoi(number)
	return pid
}

var numbers = regexp.MustCompile(`0x[0-9a-f]+|[0-9]+|".*`)

// compareCalls looks at what the thread did from its first wait to its end.
func compareCalls(t *testing.T, trace string, thread int, list []*listedCall) {
	f, err := os.Open(trace)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	call := regexp.MustCompile(`^([a-z0-9_]+)\((.*)`)
	resumed := regexp.MustCompile(`^<\.\.\. [a-z0-9_]+ resumed>`)
	began, n, reported, open, set := false, 0, map[string]bool{}, "", ""
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		number, text, _ := strings.Cut(lines.Text(), " ")
		if number != strconv.Itoa(thread) {
			continue
		}
		text = strings.TrimLeft(text, " ")
		text = open + strings.TrimLeft(resumed.ReplaceAllString(text, ""), " ")
		if open, _ = strings.CutSuffix(text, "<unfinished ...>"); open != text {
			continue // the rest comes in another line
		}
		open = ""
		m := call.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		if !began && strings.HasPrefix(m[1], "epoll_pwait") {
			began = true
			set, _, _ = strings.Cut(m[2], ",")
		}
		if m[1] == "close" && strings.HasPrefix(strings.ReplaceAll(m[2], " ", ""), set+")") && began {
			break // the loop has ended
		}
		if !began {
			continue
		}
		n++
		i := slices.IndexFunc(list, func(c *listedCall) bool { return c.name == m[1] && c.form.MatchString(m[2]) })
		if i >= 0 {
			list[i].seen = true
		} else if shape := m[1] + numbers.ReplaceAllString(m[2], "N"); !reported[shape] && len(reported) < 60 {
			reported[shape] = true
			t.Errorf("not listed: %.200s", text)
		}
	}
	if n < 100 {
		t.Errorf("only %d calls were seen", n)
	}
}
