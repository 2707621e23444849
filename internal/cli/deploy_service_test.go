package cli

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// deployed is a service whose worker is in a release directory, with a link "current" to
// it.
type deployed struct {
	t       *testing.T
	how     string // protocol, and for notify by what it reports
	dir     string
	address string
	cmd     *exec.Cmd
	log     bytes.Buffer
	done    chan struct{}

	lost    atomic.Int64
	served  atomic.Int64
	clients sync.WaitGroup
	over    chan struct{}

	mu       sync.Mutex
	failures []string
	pids     map[string]bool
}

// protocolOf is availd's word for a way to report.
func protocolOf(how string) string {
	switch how {
	case "board":
		return "notify"
	default:
		return how
	}
}

// deploy starts a service of the first, good revision.
func deploy(t *testing.T, how string, limit int) *deployed { return deployIn(t, how, limit, false) }

// deployIn is deploy, inside the release, by the path with the link, or not.
func deployIn(t *testing.T, how string, limit int, inside bool) *deployed {
	t.Helper()
	s := prepareDeploy(t, how, limit)
	args := s.args()
	if inside {
		args[len(args)-3], args[len(args)-1] = "./work-deployed", "."
	}
	s.cmd = exec.Command("availd", args...)
	s.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+s.path("run"))
	if inside {
		s.cmd.Dir = s.path("current")
		s.cmd.Env = append(s.cmd.Env, "PWD="+s.cmd.Dir)
	}
	s.start()
	return s
}

// prepareDeploy makes all but the process.
func prepareDeploy(t *testing.T, how string, limit int) *deployed {
	t.Helper()
	s := &deployed{
		t: t, how: how, dir: t.TempDir(), done: make(chan struct{}), over: make(chan struct{}), pids: map[string]bool{},
	}
	s.address = s.path("s")
	s.release("1", "good")
	s.link("1")
	s.write("conf", fmt.Sprintf("limit=%d\n", limit))
	if err := os.Mkdir(s.path("run"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *deployed) args() []string {
	return []string{
		"run", "--name=web", "--config", s.path("conf"), "--listen", s.address, "--protocol", protocolOf(s.how),
		"--", s.path("current/work-deployed"), s.how, s.path("current"),
	}
}

func (s *deployed) start() {
	s.t.Helper()
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { _ = s.cmd.Wait(); close(s.done) }()
	s.t.Cleanup(s.end)
	s.until("the control socket", func() bool { _, err := os.Stat(s.path("run/control")); return err == nil })
}

func (s *deployed) path(name string) string { return filepath.Join(s.dir, name) }

func (s *deployed) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name)+".new", []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(s.path(name)+".new", s.path(name)); err != nil {
		s.t.Fatal(err)
	}
}

// release makes a directory with a worker that does so.
func (s *deployed) release(name, does string) {
	s.t.Helper()
	program, err := exec.LookPath("availd")
	if err == nil {
		err = os.MkdirAll(s.path("r"+name), 0o700)
	}
	if err == nil {
		err = os.Symlink(program, s.path("r"+name+"/work-deployed"))
	}
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("r"+name+"/revision", name+" "+does)
}

// link moves the link, in one step as ln -sfn and mv -T do.
func (s *deployed) link(name string) {
	s.t.Helper()
	next := s.path("next")
	if err := os.Symlink("r"+name, next); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(next, s.path("current")); err != nil {
		s.t.Fatal(err)
	}
}

// ask makes one request that takes so long, and returns the answer's words.
func (s *deployed) ask(takes time.Duration) ([]string, error) {
	c, err := net.DialTimeout("unix", s.address, time.Minute)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := fmt.Fprintln(c, takes); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	return strings.Fields(line), err
}

func (s *deployed) count(takes time.Duration) {
	if words, err := s.ask(takes); err != nil || len(words) < 2 {
		s.lost.Add(1)
		s.mu.Lock()
		s.failures = append(s.failures, fmt.Sprintf("%v: %q, %v", time.Now().Format("05.000"), words, err))
		s.mu.Unlock()
		return
	} else {
		s.mu.Lock()
		s.pids[words[1]] = true
		s.mu.Unlock()
	}
	s.served.Add(1)
}

// workers is how many have answered.
func (s *deployed) workers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pids)
}

// load makes so many requests a second, which do not wait for each other, until rest.
func (s *deployed) load(rate float64, takes time.Duration) {
	s.clients.Add(1)
	go func() {
		defer s.clients.Done()
		ticker := time.NewTicker(time.Duration(float64(time.Second) / rate))
		defer ticker.Stop()
		for {
			select {
			case <-s.over:
				return
			case <-ticker.C:
				s.clients.Go(func() { s.count(takes) })
			}
		}
	}()
}

// crowd keeps so many requests under way until rest.
func (s *deployed) crowd(n int, takes time.Duration) {
	for range n {
		s.clients.Go(func() {
			for {
				select {
				case <-s.over:
					return
				default:
					s.count(takes)
					time.Sleep(takes / 2) // or no worker is ever seen without a connection
				}
			}
		})
	}
}

// rest waits for the end of all requests.
func (s *deployed) rest() {
	select {
	case <-s.over:
	default:
		close(s.over)
	}
	s.clients.Wait()
}

// reload asks for one, and returns what it said and its exit status.
func (s *deployed) reload() (said string, status int, took time.Duration) {
	s.t.Helper()
	begin := time.Now()
	ctx, cancel := context.WithTimeout(s.t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "availd", "reload", s.path("run/control"))
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode(), time.Since(begin)
}

// status asks for a field of the status document.
func (s *deployed) status() string {
	out, err := exec.Command("availd", "status", "--format=json", s.path("run/control")).Output()
	if err != nil {
		return ""
	}
	return string(out)
}

func (s *deployed) until(what string, is func() bool) {
	s.t.Helper()
	testutil.WaitFor(s.t, is, what, "\n", testutil.Later(s.said))
}

func (s *deployed) end() {
	s.rest()
	_ = s.cmd.Process.Signal(unix.SIGTERM)
	select {
	case <-s.done:
	case <-time.After(10 * time.Second):
		_ = s.cmd.Process.Signal(unix.SIGTERM) // the second one does not wait
		select {
		case <-s.done:
		case <-time.After(10 * time.Second):
			_ = s.cmd.Process.Kill()
			<-s.done
		}
	}
	if s.t.Failed() {
		s.t.Logf("availd said:\n%s", s.log.String())
	}
}

func (s *deployed) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.failures, "\n")
}
