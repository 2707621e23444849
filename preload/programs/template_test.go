package programs

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/testutil"
)

// pythonLoop is an accept loop as people write it.
const pythonLoop = `
import os, socket
listener = socket.fromfd(3, socket.AF_UNIX, socket.SOCK_STREAM)
while True:
    client, address = listener.accept()
    client.recv(1)
    client.sendall(b"%d" % os.getpid())
    client.close()
`

// TestTemplate: programs of all kinds are made templates; their forks are availd's children,
// and count as exactly as workers that are executed.
func TestTemplate(t *testing.T) {
	dir := build(t)
	for _, mode := range []string{"accept", "poll", "select", "epoll", "copy-poll", "leaves", "opens"} {
		for object, env := range objects {
			for _, protocol := range []string{"queue", "fastcgi"} {
				t.Run(mode+"/"+object+"/"+protocol, func(t *testing.T) {
					t.Parallel()
					p := start(t, env, []string{"--template=preload", "--preload=" + filepath.Join(dir, object), "--protocol=" + protocol, "--limit=3", "--log-level=debug"},
						filepath.Join(dir, "worker"), mode)
					p.clients(2, 20)
					p.counted(40)
					s := p.state() // all of them are idle, so known by their pids
					if s.Template == nil {
						t.Fatalf("no template: %+v\n%s", s, p.text())
					}
					for _, w := range s.Workers {
						if st, ok := procfs.ReadStat(w.PID); ok && (st.Parent != p.cmd.Process.Pid || st.Group != w.PID || st.Session != s.Template.PID) {
							t.Errorf("worker %d of availd %d and template %d: %+v", w.PID, p.cmd.Process.Pid, s.Template.PID, st)
						}
					}
					p.stop()
					if !p.said(event.TemplateReady.Text) {
						t.Errorf("no template was ready:\n%s", p.text())
					}
				})
			}
		}
	}
}

// TestTemplateStopped: forks that are stopped when availd is killed, as those are that it looks
// at, live on. To a group that loses its last tie to its session so, the kernel sends SIGHUP
// (setpgid(2)).
func TestTemplateStopped(t *testing.T) {
	dir := build(t)
	hangups := make(chan os.Signal, 1) // or what is started under nohup(1) ignores them
	signal.Notify(hangups, unix.SIGHUP)
	defer signal.Stop(hangups)
	p := start(t, nil, []string{"--template=preload", "--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=3", "--min-spare=3"}, filepath.Join(dir, "worker"), "accept")
	var s status.Service
	p.until("three forks", func() bool { s = p.state(); return s.Template != nil && s.Idle == 3 })
	state := func(pid int) string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		_, rest, _ := strings.Cut(string(text), ") ")
		is, _, _ := strings.Cut(rest, " ")
		return is
	}
	for _, w := range s.Workers {
		if err := unix.Kill(w.PID, unix.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		defer unix.Kill(w.PID, unix.SIGKILL)
		p.until("it is stopped", func() bool { return state(w.PID) == "T" })
	}
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	p.stopped = true
	_ = p.cmd.Wait() // killed
	for _, w := range s.Workers {
		if is := state(w.PID); is != "T" {
			t.Errorf("worker %d is in state %q after the end of availd, want T as before", w.PID, is)
		}
	}
}

// TestTemplateRefused: what cannot be a template is served all the same, and that is said once.
func TestTemplateRefused(t *testing.T) {
	dir := build(t)
	for name, c := range map[string]struct {
		command []string
		said    string
	}{
		"interpreter": {[]string{testutil.Program(t, "python3"), "-c", pythonLoop}, "an interpreter of Python"},
		"thread":      {[]string{filepath.Join(dir, "worker"), "thread"}, "its forks may hang"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, []string{"--template=preload", "--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=3"}, c.command...)
			p.clients(2, 20)
			p.counted(40)
			p.stop()
			if strings.Count(p.text(), c.said) != 1 {
				t.Errorf("want one line with %q:\n%s", c.said, p.text())
			}
		})
	}
}

// TestPython: an accept loop of Python on a duplicate of the socket.
func TestPython(t *testing.T) {
	dir := build(t)
	p := start(t, nil, []string{"--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=3"}, testutil.Program(t, "python3"), "-c", pythonLoop)
	p.clients(3, 30)
	p.counted(90)
}

// TestForkFunction: an interpreter that knows the contract forks by availd_fork as well as by
// itself, by the functions of the example for gunicorn.
func TestForkFunction(t *testing.T) {
	dir := build(t)
	text, err := os.ReadFile("../../examples/gunicorn/worker.py")
	if err != nil {
		t.Fatal(err)
	}
	_, functions, _ := strings.Cut(string(text), "\ndef fork_twice():")
	functions, _, found := strings.Cut(functions, "\ndef inherited():")
	if !found {
		t.Fatal("the example has other functions")
	}
	program := "import gc, os, random, socket, sys\nprint('a buffer that is not flushed', end='')\ndef fork_twice():" + functions +
		"become_worker()\nassert random.random() != 0.5\n" + pythonLoop
	for name, object := range map[string]string{"once": filepath.Join(dir, "plain.so"), "twice": "/nowhere"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, nil, []string{"--template=worker", "--protocol=queue", "--limit=3"},
				"/usr/bin/env", "AVAILD_TEMPLATE_FORK="+object, testutil.Program(t, "python3"), "-c", program)
			p.clients(3, 20)
			template := 0
			p.until("forks of a template", func() bool {
				s := p.state()
				if s.Template == nil || s.Template.Forks == 0 || s.Total == 0 {
					return false
				}
				template = s.Template.PID
				for _, w := range s.Workers {
					if st, ok := procfs.ReadStat(w.PID); !ok || st.Parent != p.cmd.Process.Pid || st.Group != w.PID {
						return false
					}
				}
				return true
			})
			maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", template))
			if err != nil || strings.Contains(string(maps), object) != (name == "once") {
				t.Errorf("whether the template has the object: %v\n%s", err, maps)
			}
			p.stop()
		})
	}
}

// TestStaticTemplate: a program into which the object cannot be loaded is never ready, and
// is served without it. It serves clients itself until then, and none of them is lost when
// it makes way.
func TestStaticTemplate(t *testing.T) {
	dir := build(t)
	p := start(t, nil, []string{"--template=preload", "--preload=" + filepath.Join(dir, "plain.so"), "--protocol=queue", "--limit=3", "--start-timeout=1s"}, filepath.Join(dir, "worker-static"), "accept")
	gone := func() bool { return p.said("was not made a template") && p.said("was not loaded") }
	var over atomic.Bool
	clients := make(chan int, 2)
	for range cap(clients) {
		go func() {
			n := 0
			for ; !over.Load(); n++ {
				if _, err := p.get(); err != nil {
					t.Errorf("client %d: %v", n, err)
					break
				}
			}
			clients <- n
		}()
	}
	p.until("it is said", gone)
	p.until("workers that are executed", func() bool { return p.state().Total > 0 })
	over.Store(true)
	t.Logf("%d and %d clients meanwhile", <-clients, <-clients)
	p.clients(2, 20)
	p.stop()
}
