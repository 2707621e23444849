package programs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/testutil"
)

// patience is how long something may take that takes a moment on a machine at rest.
const patience = 30 * time.Second

// built is availd, the object, and the programs, by name.
var built = sync.OnceValues(func() (dir string, err error) {
	if dir, err = os.MkdirTemp("", "availd-preload"); err != nil {
		return "", err
	}
	builtDir = dir
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(env []string, name string, args ...string) {
		cmd := exec.Command(name, args...)
		cmd.Env = append(os.Environ(), env...)
		if out, failed := cmd.CombinedOutput(); failed != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w\n%s", cmd, failed, out))
		}
	}
	run([]string{"CGO_ENABLED=0"}, "go", "build", "-o", in("availd"), "../..")
	run(nil, "../build", in("plain.so"))
	run(nil, "../build", in("sanitized.so"), "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
	run(nil, "cc", "-O1", "-Wall", "-Wextra", "-Werror", "-D_FORTIFY_SOURCE=2", "-pthread", "-o", in("worker"), "testdata/worker.c")
	run(nil, "cc", "-O1", "-static", "-pthread", "-o", in("worker-static"), "testdata/worker.c")
	run(nil, "cc", "-O1", "-shared", "-fPIC", "-o", in("other.so"), "testdata/other.c")
	if _, missing := exec.LookPath("musl-gcc"); missing == nil {
		run(nil, "musl-gcc", "-O1", "-pthread", "-o", in("worker-musl"), "testdata/worker.c")
	}
	return dir, err
})

var builtDir string

func TestMain(m *testing.M) {
	code := m.Run()
	if builtDir != "" {
		_ = os.RemoveAll(builtDir)
	}
	os.Exit(code)
}

// build returns the directory with what is built.
func build(t *testing.T) string {
	t.Helper()
	testutil.Program(t, "cc")
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// pool is a real availd.
type pool struct {
	t       *testing.T
	cmd     *exec.Cmd
	dir     string
	client  http.Client
	stopped bool
}

// text is what availd and its workers have written. It goes to a file, as what a worker
// has started may keep it open.
func (p *pool) text() string {
	text, err := os.ReadFile(p.dir + "/o")
	if err != nil {
		p.t.Error(err)
	}
	return string(text)
}

func (p *pool) said(text string) bool { return strings.Contains(p.text(), text) }

// start runs availd with a Unix socket for clients.
func start(t *testing.T, env, options []string, command ...string) *pool {
	t.Helper()
	dir, err := os.MkdirTemp("", "p") // short: its paths are addresses
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	p := &pool{t: t, dir: dir}
	args := append([]string{"run", "--listen=" + dir + "/s", "--control=" + dir + "/c", "--log-format=text"}, options...)
	p.cmd = exec.Command(filepath.Join(build(t), "availd"), append(append(args, "--"), command...)...)
	p.cmd.Env = append(os.Environ(), env...)
	out, err := os.Create(dir + "/o")
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGTERM}
	p.client.Transport = &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", dir+"/c")
	}}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop() })
	p.until("it answers", func() bool { _, err := p.ask(); return err == nil })
	return p
}

// until waits for a condition; each look is a request that availd answers.
func (p *pool) until(what string, is func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			s, err := p.ask()
			p.stop()
			p.t.Fatalf("not within %v: %s; %+v, %v\n%s", patience, what, s, err, p.text())
		}
	}
}

func (p *pool) ask() (s status.Service, err error) {
	r, err := p.client.Get("http://availd/status")
	if err != nil {
		return s, err
	}
	defer r.Body.Close()
	return s, json.NewDecoder(r.Body).Decode(&s)
}

func (p *pool) state() status.Service {
	p.t.Helper()
	s, err := p.ask()
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// get is one client: what it is answered.
func (p *pool) get() (string, error) {
	c, err := net.Dial("unix", p.dir+"/s")
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := c.Write([]byte("x")); err != nil {
		return "", err
	}
	text, err := io.ReadAll(c)
	if err == nil && len(text) == 0 {
		err = io.ErrUnexpectedEOF
	}
	return strings.TrimSpace(string(text)), err
}

// clients come one after the other, in so many rows at a time.
func (p *pool) clients(rows, each int) {
	p.t.Helper()
	var wait sync.WaitGroup
	for range rows {
		wait.Go(func() {
			for range each {
				if _, err := p.get(); err != nil {
					p.t.Errorf("a client: %v", err)
					return
				}
			}
		})
	}
	wait.Wait()
	if p.t.Failed() {
		p.stop()
		p.t.Fatal(p.text())
	}
}

// counted wants so many requests, no more and no fewer, and all workers idle.
func (p *pool) counted(n uint64) {
	p.t.Helper()
	var s status.Service
	p.until(fmt.Sprintf("%d requests, and everybody idle", n), func() bool {
		s = p.state()
		return s.Counters.Requests != nil && *s.Counters.Requests >= n && s.Busy == 0 && s.Starting == 0
	})
	if got := *s.Counters.Requests; got != n {
		p.t.Errorf("%d requests were counted, and %d were made", got, n)
	}
}

// stop ends availd, and wants that it ends well and that nothing has crashed.
func (p *pool) stop() {
	if p.stopped {
		return
	}
	p.stopped = true
	_ = p.cmd.Process.Signal(unix.SIGTERM)
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("availd: %v", err)
	}
	if text := p.text(); strings.Contains(text, "Sanitizer") || strings.Contains(text, "runtime error") {
		p.t.Error(text)
	}
}

// objects are what is tried, each with the environment that it needs: a sanitizer wants
// to be loaded first, which it is not here, and counts what a program leaves as lost.
var objects = map[string][]string{
	"plain.so":     nil,
	"sanitized.so": {"ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0"},
}

// TestCounts: requests are counted exactly, whatever the program does.
func TestCounts(t *testing.T) {
	dir := build(t)
	for _, mode := range []string{
		"accept", "poll", "ppoll", "select", "pselect", "epoll", "epoll_pwait", "copy", "copy-poll", "confined", "thread",
		"exec", "exec-later", "leaves", "opens", "spawns",
	} {
		for object, env := range objects {
			if mode == "confined" && object != "plain.so" {
				continue // a sanitizer makes calls of its own
			}
			for _, protocol := range []string{"queue", "fastcgi"} {
				t.Run(mode+"/"+object+"/"+protocol, func(t *testing.T) {
					t.Parallel()
					p := start(t, env, []string{"--preload=" + filepath.Join(dir, object), "--protocol=" + protocol, "--limit=3"}, filepath.Join(dir, "worker"), mode)
					p.clients(2, 20)
					p.counted(40)
					p.stop()
					if text := p.text(); strings.Contains(text, "(--preload) to no") {
						t.Error(text)
					}
				})
			}
		}
	}
}

// TestBusyAtOnce: with clients that come at the same time the pool grows, and the count is
// exact all the same.
func TestBusyAtOnce(t *testing.T) {
	dir := build(t)
	for object, env := range objects {
		t.Run(object, func(t *testing.T) {
			t.Parallel()
			p := start(t, env, []string{"--preload=" + filepath.Join(dir, object), "--protocol=queue", "--limit=8"}, filepath.Join(dir, "worker"), "accept")
			p.clients(16, 50)
			p.counted(800)
		})
	}
}

// TestForked: of four clients a child of the worker serves three, which are nobody's.
func TestForked(t *testing.T) {
	dir := build(t)
	p := start(t, nil, []string{"--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=1"}, filepath.Join(dir, "worker"), "fork")
	p.clients(1, 40)
	p.counted(10)
}

// TestOtherLibrary: the object that is built for glibc serves a program of musl.
func TestOtherLibrary(t *testing.T) {
	testutil.Program(t, "musl-gcc")
	dir := build(t)
	for _, mode := range []string{"accept", "poll", "epoll", "copy-poll", "opens"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, []string{"--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=3"}, filepath.Join(dir, "worker-musl"), mode)
			p.clients(2, 20)
			p.counted(40)
		})
	}
}

// TestLoadedAlready: an object that the service has in LD_PRELOAD goes on working.
func TestLoadedAlready(t *testing.T) {
	dir := build(t)
	p := start(t, []string{"LD_PRELOAD=" + filepath.Join(dir, "other.so")}, []string{"--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=1"}, filepath.Join(dir, "worker"), "accept")
	p.clients(1, 5)
	p.counted(5)
	p.stop()
	if n := strings.Count(p.text(), "other object"); n != 5 {
		t.Errorf("the other object has seen %d connections, want 5:\n%s", n, p.text())
	}
}

// TestDebug: the object writes to standard error only if it is asked to.
func TestDebug(t *testing.T) {
	dir := build(t)
	for debug, lines := range map[string]int{"": 0, "yes": 2} {
		p := start(t, []string{"AVAILD_PRELOAD_DEBUG=" + debug}, []string{"--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=1"}, filepath.Join(dir, "worker"), "accept")
		p.clients(1, 5)
		p.counted(5)
		p.stop()
		if n := strings.Count(p.text(), "availd-preload: "); n != lines {
			t.Errorf("%q: the object says %d lines, want %d:\n%s", debug, n, lines, p.text())
		}
	}
}

// TestGivenUp: where the object cannot tell what the program does, that is said once, and
// everybody is served as without it.
func TestGivenUp(t *testing.T) {
	dir := build(t)
	for mode, why := range map[string]string{
		"accept-static": "was not loaded", "child": "has not waited for a client itself", "several": "several clients at once", "threads": "several threads",
		"closes": "has closed the descriptors", "closes-later": "has closed the descriptors",
	} {
		for object, env := range objects {
			t.Run(mode+"/"+object, func(t *testing.T) {
				t.Parallel()
				program, mode := "worker", mode
				if mode == "accept-static" {
					program, mode = "worker-static", "accept"
				}
				p := start(t, env, []string{"--preload=" + filepath.Join(dir, object), "--protocol=queue", "--limit=4", "--start-timeout=2s", "--stop-timeout=2s", "--max-requests=1000"},
					filepath.Join(dir, program), mode)
				p.clients(4, 10)
				p.until("it is said, and requests are not counted", func() bool {
					if mode == "closes-later" { // it shows when the wake event is needed
						p.clients(4, 1)
					}
					return p.said("(--preload) to no") && p.state().Counters.Requests == nil
				})
				p.clients(4, 10)
				p.stop()
				if text := p.text(); strings.Count(text, "(--preload) to no") != 1 || !strings.Contains(text, why) {
					t.Errorf("want one line with %q:\n%s", why, text)
				}
			})
		}
	}
}

// TestMissing: an object that is not there is refused at the start.
func TestMissing(t *testing.T) {
	dir := build(t)
	for _, preload := range []string{"yes", "/nowhere/x.so", dir} {
		out, err := exec.Command(filepath.Join(dir, "availd"), "run", "--listen="+t.TempDir()+"/s", "--protocol=queue", "--preload="+preload, "--", "/bin/true").CombinedOutput()
		var failed *exec.ExitError
		if !errors.As(err, &failed) || failed.ExitCode() != 78 || !strings.Contains(string(out), "preload=no") {
			t.Errorf("--preload=%s: %v\n%s", preload, err, out)
		}
	}
}
