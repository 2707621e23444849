package cli

import (
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// TestLoweredLimits: an administrator lowers a limit below what the pool has while clients
// come (systemctl set-property TasksMax=, prlimit(1) on availd). Nobody is refused, a line
// names the shortage, and the pool grows again when the limit is raised.
func TestLoweredLimits(t *testing.T) {
	tasks := func(t *testing.T, group string, _ int, low bool) {
		most := "max"
		if low {
			most = "1"
		}
		if err := os.WriteFile(filepath.Join(group, "pids.max"), []byte(most), 0); err != nil {
			t.Fatal(err)
		}
	}
	files := func(t *testing.T, _ string, pid int, low bool) {
		var limit unix.Rlimit
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &limit); err != nil {
			t.Fatal(err)
		}
		if limit.Cur = limit.Max; low {
			limit.Cur = 16
		}
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &limit, nil); err != nil {
			t.Fatal(err)
		}
	}
	hold := func(protocol string) []string { return []string{"work-hold", protocol} }
	for _, test := range []struct {
		name, protocol string
		command        []string
		set            func(t *testing.T, group string, pid int, low bool)
	}{
		{"tasks, queue", "queue", hold("queue"), tasks},
		{"tasks, fastcgi", "fastcgi", hold("fastcgi"), tasks},
		{"files, queue", "queue", hold("queue"), files},
		{"files, inetd", "inetd", []string{"sleep", "0.2"}, files},
	} {
		t.Run(test.name, func(t *testing.T) {
			group, address, run := tasksGroup(t, 200), filepath.Join(t.TempDir(), "s"), t.TempDir()
			log := &growingText{}
			cmd := inGroup(group, append([]string{
				"availd", "run", "--name=web", "--log-format=json", "--listen", address, "--protocol", test.protocol,
				"--limit=60", "--max-starting=2", "--",
			}, test.command...)...)
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "RUNTIME_DIRECTORY="+run, "NOTIFY_SOCKET="), log, log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var clients sync.WaitGroup
			ended := make(chan struct{})
			defer func() {
				close(ended)
				_ = cmd.Process.Signal(unix.SIGTERM)
				_ = cmd.Wait()
				clients.Wait()
				if t.Failed() {
					t.Log(log.String())
				}
			}()
			testutil.WaitFor(t, func() bool { _, err := os.Stat(filepath.Join(run, "control")); return err == nil }, "the control socket")
			clients.Go(func() {
				tick := time.NewTicker(20 * time.Millisecond)
				defer tick.Stop()
				for {
					select {
					case <-ended:
						return
					case <-tick.C:
					}
					conn, err := net.Dial("unix", address)
					if err != nil {
						t.Error(err)
						return
					}
					clients.Go(func() {
						_, _ = io.Copy(io.Discard, conn)
						_ = conn.Close()
					})
				}
			})
			workers := func() int { return childrenOf(cmd.Process.Pid) }
			testutil.WaitFor(t, func() bool { return workers() >= 4 }, "workers")
			test.set(t, group, cmd.Process.Pid, true)
			testutil.WaitFor(t, func() bool { return strings.Contains(log.String(), `"shortage"`) }, "a line that names the shortage")
			test.set(t, group, cmd.Process.Pid, false)
			testutil.WaitFor(t, func() bool { return workers() >= 9 }, "more workers, as the limit is raised")
		})
	}
}

// growingText is text that is written and read at the same time.
type growingText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *growingText) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(b)
}

func (s *growingText) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}
