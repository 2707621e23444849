//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// plainWorker knows no signal: SIGTERM costs it its client.
const plainWorker = `#!/usr/bin/python3
import re, socket, time
listener = socket.socket(fileno=3)
listener.setblocking(True)
while True:
    client = listener.accept()[0]
    client.setblocking(True)
    ms = re.search(rb"ms=(\d+)", client.recv(4096))
    time.sleep(int(ms[1]) / 1000 if ms else 0)
    client.sendall(b"HTTP/1.0 200 OK\r\n\r\nserved\n")
    client.close()
`

// TestAdoptedUnseen: in a user namespace of its own, availd may not look at the workers of
// an earlier one. They serve, and one that is retired finishes the request that it has, in a
// reload and in a stop, without a signal handler; idle ones leave, and nobody is left behind.
func TestAdoptedUnseen(t *testing.T) {
	t.Parallel()
	const request = 3 * time.Second
	s := pool{
		name: "unseen", options: []string{"--limit=2", "--protocol=queue", "--idle-timeout=10s", "-p", "PrivateUsers=yes"},
		command: []string{filepath.Join(filesRoot, "unseen", "worker.py")},
	}.install(t, func(s *service) { s.write("worker.py", plainWorker) })
	s.fetch("/")
	adopted := func() (begun func() <-chan error) {
		before, main := s.workersNow(), s.Main()
		shoot(t, main)
		s.awaitAnother(main)
		s.await("the worker to be adopted", func(st status.Service) bool { return st.Total >= 1 && st.Counters.Adopted > 0 })
		if now := s.workersNow(); !allKept(before, now) {
			t.Errorf("workers noticed the death of availd: they were %v and are %v", before, now)
		}
		return func() <-chan error {
			done := make(chan error, 1)
			go func() {
				_, err := s.load(1, sleepPath(request)).Get()
				done <- err
			}()
			harness.WaitFor(t, "a request to be worked on", harness.Patience, func() bool {
				for _, pid := range s.workersNow() {
					if channel, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/wchan"); strings.Contains(string(channel), "nanosleep") {
						return true
					}
				}
				return false
			})
			return done
		}
	}
	last := s.youngest()
	done := adopted()()
	s.Reload()
	if err := <-done; err != nil {
		t.Errorf("the request during the reload: %v", err)
	}
	s.replaced(last)
	s.fetch("/")

	adopted()
	s.await("idle workers to leave", func(st status.Service) bool { return st.Total == 0 })
	s.fetch("/")

	done = adopted()()
	s.Stop()
	if err := <-done; err != nil {
		t.Errorf("the request during the stop: %v", err)
	}
	s.nobody("the stop")
}
