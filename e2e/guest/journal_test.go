//go:build e2e

package guest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// messages of a kind, oldest first.
func (s *service) messages(kind string) []message {
	s.t.Helper()
	return s.matching("MESSAGE_ID=" + event.MessageID[kind])
}

func (s *service) awaitKind(kind string) {
	s.t.Helper()
	harness.WaitFor(s.t, "a message of the kind "+kind, harness.Patience, seldom(func() bool { return len(s.messages(kind)) > 0 }))
}

// TestJournal leads a pool through everything that has a MESSAGE_ID, and looks
// for it as an administrator would.
func TestJournal(t *testing.T) {
	t.Parallel()
	harness.MustRun(t, "install", "-D", "-m", "644", harness.Catalog, "/usr/lib/systemd/catalog/availd.catalog")
	harness.MustRun(t, "journalctl", "--update-catalog")
	s := eventful(t)
	s.troubles()
	s.overload()
	s.deployments()
	for kind := range event.MessageID {
		s.awaitKind(kind)
		for _, m := range s.messages(kind) {
			s.checkMessage(kind, m)
		}
		s.checkExplained(kind)
	}
	t.Logf("journalctl --unit=%s\n%s", s.Service(), s.Journal())
	t.Logf("and of one message all\n%s", harness.MustRun(t, "journalctl", "--output=json-pretty", "--lines=1",
		"AVAILD_SERVICE="+s.Name, "AVAILD_EVENT=full"))
}

func eventful(t *testing.T) *service {
	p := pool{name: "journal", options: []string{"--limit=2", "--stress=restart", "--stress-hold=2s", "--worker-watchdog=1h", "--slow-after=1s"}}
	dir := filepath.Dir(p.conf())
	p.service = []string{"LimitNOFILE=200", "ExecStart=", fmt.Sprintf("ExecStart=%s run --config %s -- %s %s",
		p.availd(), p.conf(), filepath.Join(dir, "worker.py"), dir)}
	return p.install(t, knob("crash", "3"), func(s *service) { s.deploy(harness.Availd) })
}

// troubles: a bad start and its pause, a worker that stands still although it
// is idle, and one that asks for its end.
func (s *service) troubles() {
	s.t.Helper()
	c := s.client()
	s.awaitKind("throttle_begins")
	s.unknob("crash")
	c.served(s.t)
	s.await("an idle worker", func(st status.Service) bool { return st.Total == 1 && st.Idle == 1 })
	idle := s.Workers()[0]
	if err := unix.Kill(idle.PID, unix.SIGSTOP); err != nil {
		s.t.Fatal(err)
	}
	c = s.client()
	s.awaitKind("suspect")
	c.served(s.t)
	if err := unix.Kill(idle.PID, unix.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
	harness.WaitFor(s.t, "a message of the kind slow", harness.Patience, func() bool {
		s.get("/sleep?3000") // which may be over before a busy machine has looked at it
		return len(s.messages("slow")) > 0
	})
	_, _ = s.load(1, "/report?WATCHDOG=trigger").Get() // the answer may be lost with the worker
	s.awaitKind("worker_hung")
}

// overload: a full pool under stress, and the end of both.
func (s *service) overload() {
	s.t.Helper()
	running := s.load(6, "/sleep?20").Start()
	s.awaitKind("full")
	s.awaitKind("stress_begins")
	running.Stop()
	s.awaitKind("full_ends")
	s.awaitKind("stress_ends")
}

// deployments: good and bad ones of availd, of its configuration and of the
// worker.
func (s *service) deployments() {
	s.t.Helper()
	s.get("/")
	main := s.Main()
	shoot(s.t, main)
	s.awaitAnother(main)
	s.awaitKind("adopted")
	s.impose(impostors[0].program, 0o755)
	_, _ = harness.Run(harness.Availd, "upgrade", s.Name)
	s.awaitKind("upgrade_refused")
	s.deploy(harness.Next)
	harness.MustRun(s.t, harness.Availd, "upgrade", s.Name)
	s.awaitKind("upgraded")
	s.configure("--limit=much")
	_, _ = harness.Run(harness.Availd, "reload", s.Name)
	s.awaitKind("reload_refused")
	s.configure("--limit=2")
	s.write("crash", "4")
	running := s.load(1, "/sleep?20").Start() // in a pool at rest nobody would be replaced
	_, _ = harness.Run(harness.Availd, "reload", s.Name)
	s.awaitKind("roll_out_stopped")
	running.Stop()
	s.unknob("crash")
	harness.MustRun(s.t, harness.Availd, "reload", s.Name)
	s.awaitKind("reloaded")
	s.configure("--limit=500")
	harness.MustRun(s.t, harness.Availd, "reload", s.Name)
	s.awaitKind("limit_unreachable")
	if warnings := s.state().Warnings; len(warnings) != 1 || !strings.Contains(warnings[0], "LimitNOFILE=") {
		s.t.Errorf("with 200 descriptors for 500 workers availd status warns %q", warnings)
	}
	shutDown(s.t, s.Main())
	s.awaitKind("socket_down")
}

// shutDown does to the listening sockets of a process what a worker can do to them.
func shutDown(t *testing.T, p harness.Process) {
	t.Helper()
	pidfd, err := unix.PidfdOpen(p.PID, 0)
	if err != nil {
		t.Fatal(os.NewSyscallError("pidfd_open", err))
	}
	defer unix.Close(pidfd)
	for number := range p.Descriptors() {
		fd, err := unix.PidfdGetfd(pidfd, number, 0)
		if err != nil {
			continue // closed meanwhile
		}
		domain, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		listens, _ := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN)
		if listens == 1 && (domain == unix.AF_INET || domain == unix.AF_INET6) {
			_ = unix.Shutdown(fd, unix.SHUT_RDWR)
		}
		unix.Close(fd)
	}
}

var number = regexp.MustCompile(`^\d+$`)

// checkMessage: the fields that are promised are there.
func (s *service) checkMessage(kind string, m message) {
	s.t.Helper()
	numbers := []string{"AVAILD_BUSY", "AVAILD_IDLE", "AVAILD_LIMIT", "AVAILD_QUEUE"}
	if slices.Contains([]string{"worker_failed", "worker_hung", "suspect"}, kind) {
		numbers = append(numbers, "AVAILD_WORKER_PID", "AVAILD_GENERATION")
	}
	for _, field := range numbers {
		if !number.MatchString(m.text(field)) {
			s.t.Errorf("%s: %s is %q", kind, field, m.text(field))
		}
	}
	for field, want := range map[string]string{
		"AVAILD_EVENT": kind, "_SYSTEMD_UNIT": s.Service(), "SYSLOG_IDENTIFIER": "availd", "_TRANSPORT": "journal",
	} {
		if got := m.text(field); got != want {
			s.t.Errorf("%s: %s is %q, want %q", kind, field, got, want)
		}
	}
}

var unreplaced = regexp.MustCompile(`@|AVAILD_(SERVICE|BUSY|IDLE|LIMIT|QUEUE|WORKER_PID|GENERATION)`)

// checkExplained: journalctl -x has a text, with everything filled in.
func (s *service) checkExplained(kind string) {
	s.t.Helper()
	out := harness.MustRun(s.t, "journalctl", "--quiet", "--no-pager", "--no-hostname", "--catalog", "--lines=1",
		"AVAILD_SERVICE="+s.Name, "MESSAGE_ID="+event.MessageID[kind])
	if kind == "throttle_begins" {
		s.t.Logf("journalctl -x\n%s", out)
	}
	if !strings.Contains(out, "Defined-By: availd") || !strings.Contains(out, " "+s.Name+" ") || unreplaced.MatchString(out) {
		s.t.Errorf("journalctl -x explains %s by\n%s", kind, out)
	}
}

// flooding is how many connections are turned away.
const flooding = 20_000

// TestJournalFlood turns away thousands of connections a second, each of which
// is worth a message: ten are written, and how many were not.
func TestJournalFlood(t *testing.T) {
	s := inetd(t, "journal-flood", cat, []string{"--max-per-source=1"})
	first, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	say(t, first)
	main := s.Main()
	cpu, begin := main.CPU(), time.Now()
	for range flooding {
		c, err := net.DialTimeout("tcp", s.addr, harness.Patience)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetDeadline(time.Now().Add(harness.Patience))
		_, err = io.ReadAll(c) // until it is closed, or reset
		c.Close()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("a connection is neither served nor closed")
		}
	}
	took := time.Since(begin)
	s.await("all to be turned away", func(st status.Service) bool { return st.Counters.RejectedConnections == flooding })
	t.Logf("%d connections turned away in %v, %.0f a second, %v of availd's processor time for each", flooding,
		took.Round(time.Millisecond), flooding/took.Seconds(), (main.CPU()-cpu)/flooding)
	begin = time.Now()
	say(t, first)
	t.Logf("the session that goes on answers in %v", time.Since(begin).Round(time.Microsecond))
	written, leftOut := 0, 0
	harness.WaitFor(t, "the messages and the number left out to be all", harness.Patience, seldom(func() bool {
		written, leftOut = s.flooded()
		return written+leftOut == flooding
	}))
	t.Logf("%d messages, %d left out", written, leftOut)
	if most := 10 * (int(took/(10*time.Second)) + 1); written > most {
		t.Errorf("%d messages in %v, want at most %d", written, took, most)
	}
}

func say(t *testing.T, c net.Conn) {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(harness.Patience))
	if _, err := io.WriteString(c, "still there?"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 12)); err != nil {
		t.Fatal(err)
	}
}

// flooded counts the messages about connections that were closed, and those
// that were left out.
func (s *service) flooded() (written, leftOut int) {
	s.t.Helper()
	for _, m := range s.matching() {
		if m.text("AVAILD_EVENT") == event.SourceFull.Event {
			written++
		}
		n, _ := strconv.Atoi(m.text("AVAILD_LEFT_OUT"))
		leftOut += n
	}
	return written, leftOut
}
