//go:build e2e

package guest

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// inetd installs a service whose processes are started with their connection.
// lines are further ones of [Service].
func inetd(t *testing.T, name string, command, options []string, lines ...string) *service {
	t.Helper()
	s := inetdFiles(t, name)
	args := []string{
		harness.Availd, "units", "--binary", harness.Availd, "--output", s.dir, "--conf-dir", s.dir,
		"--listen", s.addr, "--protocol=inetd",
	}
	args = append(append(args, options...), name, "--")
	harness.MustRun(t, append(args, command...)...)
	s.text = read(t, filepath.Join(s.dir, name+".service")) + section("Service", lines)
	s.Unit = harness.Install(t, name, read(t, filepath.Join(s.dir, name+".socket")), s.text)
	return s
}

// example installs the units of an example, with nothing changed but the port
// and the places of availd and its file.
func example(t *testing.T, name string, lines ...string) *service {
	t.Helper()
	s := inetdFiles(t, name)
	s.installExample(s.addr, lines...)
	return s
}

// installExample does it for an address of any kind.
func (s *service) installExample(address string, lines ...string) {
	t, name := s.t, filepath.Base(s.dir)
	t.Helper()
	dir := filepath.Join(harness.Examples, name)
	s.write(name+".conf", read(t, filepath.Join(dir, name+".conf")))
	here := strings.NewReplacer("/usr/bin/availd", harness.Availd, filepath.Join("/etc/availd", name+".conf"), s.conf)
	s.text = here.Replace(read(t, filepath.Join(dir, name+".service"))) + section("Service", lines)
	dropIns(t, name)(s)
	socket := here.Replace(read(t, filepath.Join(dir, name+".socket")))
	s.Unit = harness.Install(t, name, socket+section("Socket", []string{"ListenStream=", "ListenStream=" + address}), s.text)
}

func inetdFiles(t *testing.T, name string) *service {
	t.Helper()
	s := &service{t: t, addr: harness.Addr(harness.Port()), dir: filepath.Join(filesRoot, name)}
	s.conf = filepath.Join(s.dir, name+".conf")
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.dir) })
	return s
}

// port is that of the address.
func (s *service) port() string { _, p, _ := net.SplitHostPort(s.addr); return p }

// echo has one conversation with a service that runs cat: what is said comes
// back, held apart for a while, and then the end.
func (s *service) echo(hold time.Duration) error {
	c, err := net.DialTimeout("tcp", s.addr, harness.Patience)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * harness.Patience))
	said := fmt.Sprintf("from %v", c.LocalAddr())
	buf := make([]byte, len(said))
	if _, err := io.WriteString(c, said); err != nil {
		return err
	}
	if _, err := io.ReadFull(c, buf); err != nil || string(buf) != said {
		return fmt.Errorf("said %q, got %q: %w", said, buf, err)
	}
	if hold > 0 {
		<-time.After(hold)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	if rest, err := io.ReadAll(c); err != nil || len(rest) > 0 {
		return fmt.Errorf("after the end got %q: %w", rest, err)
	}
	return nil
}

// crowd are clients that converse one after the other, until told to stop.
type crowd struct {
	quit     chan struct{}
	group    sync.WaitGroup
	mu       sync.Mutex
	ok, lost int
	slowest  time.Duration
	errors   []string
}

func (s *service) crowd(clients int, hold time.Duration) *crowd {
	c := &crowd{quit: make(chan struct{})}
	for range clients {
		c.group.Go(func() {
			for {
				select {
				case <-c.quit:
					return
				default:
				}
				begin := time.Now()
				c.note(s.echo(hold), time.Since(begin))
			}
		})
	}
	return c
}

func (c *crowd) note(err error, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, took)
	if err == nil {
		c.ok++
		return
	}
	c.lost++
	if len(c.errors) < 5 {
		c.errors = append(c.errors, err.Error())
	}
}

func (c *crowd) done() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ok + c.lost
}

// more waits for so many further conversations.
func (c *crowd) more(t *testing.T, n int) {
	t.Helper()
	n += c.done()
	harness.WaitFor(t, fmt.Sprint(n, " conversations"), 4*harness.Patience, func() bool { return c.done() >= n })
}

// leave ends the crowd. It prints the figures, and fails the test when more
// were lost than may be.
func (c *crowd) leave(t *testing.T, mayLose int) {
	t.Helper()
	close(c.quit)
	c.group.Wait()
	t.Logf("conversations: %d whole, %d lost, slowest %v %q", c.ok, c.lost, c.slowest.Round(time.Millisecond), c.errors)
	if c.lost > mayLose || c.ok == 0 {
		t.Errorf("%d conversations were lost of %d, %d may be", c.lost, c.ok+c.lost, mayLose)
	}
}

var cat = []string{"/bin/cat"}

// TestInetd: one process a connection, never more than the limit, each with its
// connection and nothing else.
func TestInetd(t *testing.T) {
	t.Parallel()
	const limit = 4
	s := inetd(t, "inetd-cat", cat, []string{"--limit=4", "--idle-timeout=1s"})
	sampler := s.Sample()
	c := s.crowd(8, 0)
	c.more(t, 1000)
	c.leave(t, 0)
	seen := sampler.Stop()
	t.Logf("processes: at most %d in %d looks", seen.Max, seen.Looks)
	if seen.Max > limit {
		t.Errorf("%d processes at once, the limit is %d", seen.Max, limit)
	}
	s.await("all ends to be counted", func(st status.Service) bool { return st.Total == 0 })
	now := s.state()
	if *now.Counters.Requests != uint64(c.ok) || now.Counters.Spawned != uint64(c.ok) || now.Counters.BadStarts != 0 {
		t.Errorf("requests %d, spawned %d, bad starts %d; %d conversations", *now.Counters.Requests, now.Counters.Spawned, now.Counters.BadStarts, c.ok)
	}
	checkStarted(t, s)
}

// checkStarted looks at one process from outside.
func checkStarted(t *testing.T, s *service) {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	harness.WaitFor(t, "the process", harness.Patience, func() bool { return len(s.Workers()) == 1 })
	w := s.Workers()[0]
	var fds map[int]string
	harness.WaitFor(t, "three descriptors, as a program reads other files while it starts", harness.Patience, func() bool {
		fds = w.Descriptors()
		return len(fds) == 3 && w.Executed()
	})
	if fds[0] != fds[1] || !strings.HasPrefix(fds[0], "socket:") {
		t.Errorf("descriptors %v", fds)
	}
	host, port, _ := net.SplitHostPort(c.LocalAddr().String())
	for name, want := range map[string]string{"REMOTE_ADDR": host, "REMOTE_PORT": port, "AVAILD_STRESS": ""} {
		if got, ok := w.Getenv(name); got != want || !ok {
			t.Errorf("%s=%q (%t), want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET", "AVAILD_START"} {
		if got, ok := w.Getenv(name); ok {
			t.Errorf("%s=%q has reached it", name, got)
		}
	}
	st := s.state()
	if i := slices.IndexFunc(st.Workers, func(x status.Worker) bool { return x.PID == w.PID }); i < 0 || st.Workers[i].State != "busy" {
		t.Errorf("status says %+v", st.Workers)
	}
}

// TestInetdMaxPerSource: one client has its share, and the message is not
// written for every connection.
func TestInetdMaxPerSource(t *testing.T) {
	t.Parallel()
	s := inetd(t, "inetd-source", cat, []string{"--max-per-source=3"})
	var held []net.Conn
	for range 3 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		held = append(held, c)
	}
	s.await("three sessions", func(st status.Service) bool { return st.Busy == 3 })
	for range 200 {
		if s.echo(0) == nil {
			t.Fatal("a fourth connection of the same client is served")
		}
	}
	if n := s.state().Counters.RejectedConnections; n != 200 {
		t.Errorf("%d connections were rejected, want 200", n)
	}
	closed := []string{"AVAILD_CLIENT=127.0.0.1", "AVAILD_MOST=3"}
	s.awaitEvents(1, event.SourceFull, closed...)
	if n := len(s.events(event.SourceFull, closed...)); n > 20 {
		t.Errorf("the journal says so %d times", n)
	}
	held[0].Close()
	s.await("a place", func(st status.Service) bool { return st.Busy == 2 })
	if err := s.echo(0); err != nil {
		t.Errorf("after one has left: %v", err)
	}
}

// TestInetdDescriptors: with the limit of descriptors reached all clients are
// served, by and by.
func TestInetdDescriptors(t *testing.T) {
	t.Parallel()
	s := inetd(t, "inetd-nofile", cat, nil, "LimitNOFILE=32")
	main := s.Main
	c := s.crowd(40, 100*time.Millisecond)
	c.more(t, 400)
	st := s.state()
	c.leave(t, 0)
	t.Logf("LimitNOFILE=32: %d processes at a time, %d pauses, availd used %v", st.Busy, st.Counters.Throttles, main().CPU())
	if st.Counters.Throttles == 0 {
		t.Error("the limit was not reached, so this was no test")
	}
	if n := len(s.events(event.Throttled)); n > 60 {
		t.Errorf("the journal says %d times that no workers are started", n)
	}
	if got := s.ShowInt("NRestarts"); got != 0 {
		t.Errorf("availd was restarted %d times", got)
	}
}
