package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/testutil"
)

// fault is what strace(1) has system calls of the loop's thread answer in place of the
// kernel: the first one that comes, and then all for a second.
type fault struct {
	calls, errors string // separated by commas
	kind          string // of pool, a key of pools
	named         bool   // a line of the log names the error
	all           bool   // of all threads
}

var pools = map[string][]string{
	"notify": {"--protocol=notify", "--limit=2", "--min-spare=2", "--throttle=10ms", "--throttle-max=10ms", "--", "rogue"},
	"queue":  {"--protocol=queue", "--limit=2", "--min-spare=0", "--", "rogue", "queue"},
	"inetd":  {"--protocol=inetd", "--limit=4", "--", "/bin/cat"},
	// As notify: one that is reloaded meanwhile, one that tells a service manager, one that is
	// asked for an upgrade.
	"reloaded": {"--protocol=notify", "--limit=2", "--min-spare=2", "--throttle=10ms", "--throttle-max=10ms", "--", "rogue"},
	"managed":  {"--protocol=notify", "--limit=2", "--min-spare=2", "--throttle=10ms", "--throttle-max=10ms", "--", "rogue"},
	"upgraded": {"--protocol=notify", "--limit=2", "--min-spare=2", "--throttle=10ms", "--throttle-max=10ms", "--", "rogue"},
}

var faults = []fault{
	{calls: "accept4", errors: "EMFILE,ENFILE,ENOMEM", kind: "inetd", named: true},
	{calls: "accept4", errors: "EINTR,EAGAIN,EPERM", kind: "inetd"},
	{calls: "clone,clone3", errors: "EAGAIN,ENOMEM,EPERM,ENOSPC", kind: "notify", named: true},
	{calls: "clone,clone3", errors: "EAGAIN,ENOSPC", kind: "inetd", named: true},
	{calls: "recvmsg", errors: "ENOMEM,EINTR,EAGAIN", kind: "notify"},
	{calls: "epoll_pwait,epoll_pwait2", errors: "EINTR", kind: "notify"},
	{calls: "epoll_ctl", errors: "ENOMEM,ENOSPC", kind: "queue"},
	{calls: "pidfd_open,fcntl,pipe2", errors: "EMFILE,ENFILE,ENOMEM", kind: "notify"}, // made by a reload only
	{calls: "wait4,waitid", errors: "EINTR", kind: "notify"},
	{calls: "openat,read", errors: "EMFILE,ENFILE,ENOMEM,EINTR", kind: "notify"},
	{calls: "socket,getsockopt", errors: "EMFILE,ENFILE,EPERM,ENOMEM", kind: "queue"},
	{calls: "pidfd_send_signal,kill", errors: "EPERM,EAGAIN,ENOMEM", kind: "reloaded", named: true},
	{calls: "sendmsg", errors: "EAGAIN,ENOBUFS,ENOMEM,ECONNREFUSED", kind: "managed"},
	{calls: "fstat,newfstatat,fstatfs", errors: "ENOMEM,EINTR,EACCES", kind: "notify"},
	{calls: "openat", errors: "EMFILE,ENFILE,ENOMEM", kind: "notify", all: true},
	{calls: "openat,fstat,newfstatat,getdents64", errors: "ENOMEM,EACCES", kind: "queue", all: true},
	{calls: "openat", errors: "ENFILE,EMFILE", kind: "queue", all: true},
	{calls: "accept4", errors: "ENFILE,EMFILE,ENOMEM,EPERM", kind: "notify", all: true}, // of the control socket
	// Each in a pool of its own: a socket that was made stays.
	{calls: "socket", errors: "ENFILE", kind: "queue", all: true},
	{calls: "socket", errors: "EMFILE", kind: "queue", all: true},
	{calls: "socket", errors: "EAGAIN", kind: "queue", all: true},
	{calls: "clone,clone3", errors: "EAGAIN,ENOMEM", kind: "upgraded", all: true},
	{calls: "memfd_create,ftruncate", errors: "EMFILE,ENOMEM", kind: "upgraded", all: true},
	{calls: "pipe2,pidfd_open,fcntl", errors: "EMFILE,ENFILE", kind: "upgraded", all: true},
}

// TestFaults has the operating system refuse system calls of the loop, or of all threads:
// each alone, and for a while on end. Every connection that the kernel has accepted is served, the pool is
// whole again afterwards, no descriptor and no child is left over, the log is short, and
// where clients wait for what was refused a line names it.
func TestFaults(t *testing.T) {
	strace := testutil.Program(t, "strace")
	for _, f := range faults {
		t.Run(f.kind+"/"+f.calls+"/"+f.errors, func(t *testing.T) {
			t.Parallel()
			p := startPool(t, f.kind)
			for i, errno := range strings.Split(f.errors, ",") {
				p.all = f.all
				p.inject(strace, f.calls, errno, "1", p.use)
				if i == 0 && !strings.HasPrefix(f.calls, "pidfd_open") && f.kind != "upgraded" {
					p.inject(strace, f.calls, errno, "1+", p.endure)
				}
				p.settles()
			}
			p.ends(f)
		})
	}
}

// pool is an availd whose loop is on its main thread.
type pool struct {
	t                *testing.T
	kind             string
	all              bool // threads are injected
	address, control string
	cmd              *exec.Cmd
	done             chan error
	log              lockedBuffer
	files, sockets   int // that are open when nothing happens
	first            []string
	waiting          []net.Conn
}

func startPool(t *testing.T, kind string) *pool {
	t.Helper()
	availd, err := exec.LookPath("availd-locked")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &pool{t: t, kind: kind, address: filepath.Join(dir, "s"), control: filepath.Join(dir, "control"), done: make(chan error, 1)}
	args := []string{"run", "--listen=" + p.address, "--control=" + p.control, "--name=faulty"}
	p.cmd = exec.Command(availd, append(args, pools[kind]...)...)
	manager := ""
	if kind == "managed" {
		manager = listenAsManager(t, dir)
	}
	p.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+dir, "NOTIFY_SOCKET="+manager)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.WaitDelay = time.Second
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		for _, sig := range []os.Signal{unix.SIGTERM, unix.SIGTERM, unix.SIGKILL} {
			if p.cmd.Process.Signal(sig) != nil {
				return
			}
			select {
			case <-p.done:
				return
			case <-time.After(5 * time.Second):
			}
		}
	})
	p.await("it answers", func() bool { _, err := control.Client{Path: p.control}.Status(p.soon()); return err == nil })
	p.use()
	p.settles()
	p.first = p.list()
	p.files, p.sockets = p.open()
	return p
}

// listenAsManager is the socket of a service manager that reads what it is told.
func listenAsManager(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "manager")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		buf, rights := make([]byte, 1<<12), make([]byte, 1<<12)
		for {
			_, n, _, _, err := c.ReadMsgUnix(buf, rights)
			if err != nil {
				return
			}
			messages, _ := unix.ParseSocketControlMessage(rights[:n])
			for _, m := range messages {
				fds, _ := unix.ParseUnixRights(&m)
				for _, fd := range fds {
					_ = unix.Close(fd)
				}
			}
		}
	}()
	return path
}

func (p *pool) soon() context.Context {
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	p.t.Cleanup(cancel)
	return ctx
}

func (p *pool) await(what string, f func() bool) {
	p.t.Helper()
	testutil.WaitFor(p.t, f, what, testutil.Later(func() string {
		s, err := control.Client{Path: p.control}.Status(p.soon())
		return fmt.Sprintf("; files %q, at first %q, %+v, %v\n%s", p.list(), p.first, s, err, &p.log)
	}))
}

// open is how many descriptors availd has of other kinds, and of sockets.
func (p *pool) open() (files, sockets int) {
	for _, f := range p.list() {
		if strings.Contains(f, "socket:") {
			sockets++
		} else {
			files++
		}
	}
	return files, sockets
}

func (p *pool) list() (all []string) {
	dir := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(dir, e.Name())); err == nil {
			all = append(all, e.Name()+" "+link)
		}
	}
	return all
}

// connect is a client whose connection the kernel has accepted, and who has asked.
func (p *pool) connect() {
	p.t.Helper()
	c, err := net.Dial("unix", p.address)
	if err == nil {
		_, err = io.WriteString(c, "GET / HTTP/1.0\r\n\r\n")
	}
	if err != nil {
		p.t.Fatal(err)
	}
	_ = c.(*net.UnixConn).CloseWrite()
	p.waiting = append(p.waiting, c)
}

// served waits for the answers to all who have asked.
func (p *pool) served() {
	p.t.Helper()
	for _, c := range p.waiting {
		_ = c.SetDeadline(time.Now().Add(40 * time.Second))
		if text, err := io.ReadAll(c); err != nil || !strings.Contains(string(text), "HTTP/1.0") {
			p.t.Errorf("a client hears %q, %v\n%s", text, err, &p.log)
		}
		_ = c.Close()
	}
	p.waiting = nil
}

// come has a worker that is idle end, and clients come.
func (p *pool) come() {
	p.t.Helper()
	s, err := control.Client{Path: p.control}.Status(p.soon())
	if err == nil && len(s.Workers) > 0 && p.kind != "inetd" {
		_ = unix.Kill(s.Workers[0].PID, unix.SIGKILL)
	}
	for range 4 {
		p.connect()
	}
}

// use does everything that can be done with a pool.
func (p *pool) use() {
	p.t.Helper()
	p.come()
	p.served()
	_, _ = control.Client{Path: p.control}.Reload(p.soon()) // which may be refused
	if p.kind == "upgraded" {
		_, _ = control.Client{Path: p.control}.Upgrade(p.soon()) // the same
	}
}

// endure is the time for which calls fail that are wanted meanwhile.
func (p *pool) endure() {
	p.t.Helper()
	p.come()
	if p.kind == "reloaded" {
		_ = p.cmd.Process.Signal(unix.SIGHUP)
	}
	time.Sleep(time.Second)
}

// inject has the calls fail while f runs, and looks that at least one has.
func (p *pool) inject(strace, calls, errno, when string, f func()) {
	p.t.Helper()
	out := filepath.Join(p.t.TempDir(), "trace")
	args := []string{"-qq", "-o", out, "-e", "trace=" + calls, "-e", "signal=none", "-e", "inject=" + calls + ":error=" + errno + ":when=" + when, "-p", fmt.Sprint(p.cmd.Process.Pid)}
	if p.all {
		threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", p.cmd.Process.Pid))
		for _, thread := range threads[1:] { // the first is the one above
			args = append(args, "-p", thread.Name())
		}
	}
	cmd := exec.Command(strace, args...)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	p.await("traced", func() bool {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
		return !strings.Contains(string(status), "TracerPid:\t0\n")
	})
	f()
	const refused = "(INJECTED)"
	if when == "1+" { // what is refused may come only when a reload has gone so far, or with other clients
		came := time.Now()
		p.await("a call that is refused", func() bool {
			text, _ := os.ReadFile(out)
			if strings.Contains(string(text), refused) {
				return true
			}
			if time.Since(came) > 2*time.Second {
				p.served()
				p.come()
				came = time.Now()
			}
			return false
		})
	}
	_ = cmd.Process.Signal(unix.SIGINT) // it detaches
	<-ended
	p.served()
	text, err := os.ReadFile(out)
	if n := strings.Count(string(text), refused); err != nil || n == 0 {
		p.t.Errorf("%s was never injected (%v), so nothing is shown:\n%.2000s", errno, err, text)
	} else {
		p.t.Logf("%s: %d times %s", calls, n, errno)
	}
}

// settles waits until the pool is as it was before.
func (p *pool) settles() {
	p.t.Helper()
	p.await("the pool is whole", func() bool {
		s, err := control.Client{Path: p.control}.Status(p.soon())
		switch {
		case err != nil:
			return false
		case p.kind == "inetd":
			return s.Total == 0
		case p.kind == "queue":
			return s.Total > 0 && s.Starting+s.Retiring == 0
		}
		return s.Total == 2 && s.Idle == 2
	})
	if p.first == nil {
		return
	}
	p.await("no descriptor is left over", func() bool {
		files, sockets := p.open()
		return files <= p.files+p.more() && sockets <= p.sockets+keptSockets
	})
}

// keptSockets are those that availd opens when first needed and keeps, to ask sock_diag,
// and the connections of who asks how it is.
const keptSockets = 4

// more is how many pidfds and the like there may be beside those of the beginning, of a
// pool that grows with its load.
func (p *pool) more() int {
	if p.kind == "queue" {
		return 4
	}
	return 0
}

// ends stops it and looks at what it said.
func (p *pool) ends(f fault) {
	p.t.Helper()
	last, err := control.Client{Path: p.control}.Status(p.soon())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := p.cmd.Process.Signal(unix.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.done:
		p.done <- err
		if err != nil {
			p.t.Errorf("%v\n%s", err, &p.log)
		}
	case <-time.After(40 * time.Second):
		p.t.Fatalf("it does not end\n%s", &p.log)
	}
	for _, w := range last.Workers {
		if unix.Kill(w.PID, 0) == nil {
			p.t.Errorf("worker %d is left behind", w.PID)
		}
	}
	said := p.log.String()
	if n := strings.Count(said, "\n"); n > 80 {
		p.t.Errorf("%d lines:\n%s", n, said)
	}
	if strings.Contains(said, "goroutine ") {
		p.t.Errorf("it has crashed:\n%s", said)
	}
	first, _, _ := strings.Cut(f.errors, ",")
	if text := errnos[first].Error(); f.named && !strings.Contains(said, text) {
		p.t.Errorf("no line has %q:\n%s", text, said)
	}
}

var errnos = map[string]unix.Errno{
	"EMFILE": unix.EMFILE, "ENFILE": unix.ENFILE, "ENOMEM": unix.ENOMEM, "EAGAIN": unix.EAGAIN, "EPERM": unix.EPERM, "ENOSPC": unix.ENOSPC,
}
