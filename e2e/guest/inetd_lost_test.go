//go:build e2e

package guest

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// TestInetdLostKill kills availd four times a second. Each time the one
// connection may be lost that was accepted and has no process yet.
func TestInetdLostKill(t *testing.T) {
	s := inetd(t, "inetd-kill", cat, []string{"--limit=6"})
	sampler := s.Sample()
	c := s.crowd(8, 20*time.Millisecond)
	c.more(t, 50)
	kills, last := 0, 0
	every(250*time.Millisecond, 8*time.Second, func() {
		if main := s.Main(); main.PID != 0 && main.PID != last && main.Alive() {
			shoot(t, main)
			kills, last = kills+1, main.PID
		}
	})
	c.more(t, 50)
	c.leave(t, kills)
	seen := sampler.Stop()
	t.Logf("%d SIGKILLs; at most %d processes", kills, seen.Max)
	if kills < 8 || seen.Max > 6 {
		t.Errorf("%d SIGKILLs, at most %d processes of 6", kills, seen.Max)
	}
	s.empty()
	if now := s.state(); now.Counters.BadStarts != 0 {
		t.Errorf("%d bad starts", now.Counters.BadStarts)
	}
}

// TestInetdLostSession: a session outlives the availd that started it, and
// counts against the limit of the next.
func TestInetdLostSession(t *testing.T) {
	t.Parallel()
	s := inetd(t, "inetd-session", cat, []string{"--limit=1"})
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say(t, c)
	for range 3 {
		main := s.Main()
		shoot(t, main)
		s.awaitAnother(main)
		say(t, c)
	}
	s.Reload()
	say(t, c)
	if now := s.state(); now.Busy != 1 || now.Total != 1 || now.Counters.Killed != 0 {
		t.Errorf("busy %d of %d", now.Busy, now.Total)
	}
	next := make(chan error, 1)
	go func() { next <- s.echo(0) }()
	s.await("a client to wait", func(st status.Service) bool {
		return len(st.Sockets) > 0 && st.Sockets[0].Queue != nil && *st.Sockets[0].Queue == 1
	})
	c.Close()
	if err := <-next; err != nil {
		t.Errorf("the client that waited: %v", err)
	}
}

// TestInetdLostDeploy reloads, restarts and upgrades under load: nothing is
// lost.
func TestInetdLostDeploy(t *testing.T) {
	t.Parallel()
	name := "inetd-deploy"
	own := filepath.Join(filesRoot, name, "availd")
	if err := os.MkdirAll(filepath.Dir(own), 0o755); err != nil {
		t.Fatal(err)
	}
	s := inetd(t, name, cat, []string{"--limit=6"}, "ExecStart=",
		"ExecStart="+own+" run --config "+filepath.Join(filesRoot, name, name+".conf")+" -- /bin/cat")
	s.deploy(harness.Availd)
	c := s.crowd(8, 20*time.Millisecond)
	c.more(t, 50)
	for range 10 {
		s.Reload()
		c.more(t, 10)
	}
	for i := range 10 {
		next := versions[(i+1)%2]
		s.deploy(next.path)
		if out := harness.MustRun(t, harness.Availd, "upgrade", name); !strings.Contains(out, " "+next.version+", ") {
			t.Errorf("availd upgrade says %q", out)
		}
		c.more(t, 10)
	}
	requests := *s.state().Counters.Requests
	var slowest time.Duration
	for range 10 {
		begin := time.Now()
		s.Restart()
		slowest = max(slowest, time.Since(begin))
		c.more(t, 10)
	}
	t.Logf("10 reloads, 10 upgrades (%d requests until then), 10 restarts of at most %v", requests, slowest.Round(time.Millisecond))
	c.leave(t, 0)
	s.expectEvents(10, event.ReloadedSessions)
}

// TestInetdStop: sessions finish what they do, are asked at half of the time,
// and killed at its end.
func TestInetdStop(t *testing.T) {
	t.Parallel()
	s := inetd(t, "inetd-stop", []string{filepath.Join(filesRoot, "inetd-stop", "session.sh")}, []string{"--stop-timeout=6s"})
	s.write("session.sh", `#!/bin/sh
read how
case $how in
stubborn) trap '' TERM ;;
esac
echo begun
while read line; do echo "$line"; done
`)
	ends := map[string]chan float64{}
	conns := map[string]net.Conn{}
	for _, how := range []string{"polite", "idle", "stubborn"} {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(2 * harness.Patience))
		_, _ = io.WriteString(c, how+"\n")
		if _, err := io.ReadFull(c, make([]byte, len("begun\n"))); err != nil {
			t.Fatal(err)
		}
		conns[how], ends[how] = c, make(chan float64, 1)
	}
	done := background("systemctl", "stop", s.Socket(), s.Service())
	begun := s.awaitEvents(1, event.Stopping, "AVAILD_SIGNAL=SIGTERM")[0].second(t)
	for how, c := range conns {
		go func() {
			if how == "polite" { // works on, and leaves
				_, _ = io.WriteString(c, strings.Repeat("work\n", 4))
				_ = c.(*net.TCPConn).CloseWrite()
			}
			text, err := io.ReadAll(c)
			if how == "polite" && (err != nil || string(text) != strings.Repeat("work\n", 4)) {
				t.Errorf("the polite session was cut: %q, %v", text, err)
			}
			ends[how] <- sinceBoot()
		}()
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	for how, want := range map[string]float64{"polite": 0, "idle": 3, "stubborn": 6} {
		took := <-ends[how] - begun
		t.Logf("%s: ended %.2f s after availd was told to stop", how, took)
		if took < want-1 || took > want+15 { // the stamp is when journald took the message
			t.Errorf("%s: ended after %.2f s, want %v", how, took, want)
		}
	}
	s.gone()
}

// sinceBoot is the time of the journal's messages, in seconds.
func sinceBoot() float64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		panic(err)
	}
	return time.Duration(now.Nano()).Seconds()
}
