package cli

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// workHold accepts on the listening socket, which is descriptor 3 or, with fastcgi, 0,
// and closes each connection after 200 ms. It knows nothing of availd.
func workHold() {
	socket := 3
	if len(os.Args) > 1 && os.Args[1] == "fastcgi" {
		socket = 0
	}
	for {
		fd, _, err := unix.Accept(socket)
		switch {
		case err == unix.EINTR: //nolint:errorlint // of a system call
		case err != nil:
			fail(err)
		default:
			time.Sleep(200 * time.Millisecond)
			_ = unix.Close(fd)
		}
	}
}

// TestOverload: 100 clients a second come, whether or not others were served, and each
// takes 200 ms: 20 workers are busy all the time. Before there are so many, the queue
// only gets longer; the pool grows all the same.
func TestOverload(t *testing.T) {
	for _, test := range []struct{ protocol, network string }{
		{"queue", "tcp"}, {"queue", "unix"}, {"fastcgi", "tcp"}, {"auto", "unix"},
	} {
		t.Run(test.protocol+" "+test.network, func(t *testing.T) {
			t.Parallel()
			address, run := filepath.Join(t.TempDir(), "s"), t.TempDir()
			if test.network == "tcp" {
				address = freeAddress(t)
			}
			var log bytes.Buffer
			cmd := exec.Command("availd", "run", "--name=web", "--listen", address, "--protocol", test.protocol,
				"--limit=60", "--max-starting=2", "--", "work-hold", test.protocol)
			cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), "RUNTIME_DIRECTORY="+run), &log, &log
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var clients sync.WaitGroup
			defer func() {
				_ = cmd.Process.Signal(unix.SIGTERM)
				_ = cmd.Wait()
				clients.Wait()
				if t.Failed() {
					t.Log(log.String())
				}
			}()
			testutil.WaitFor(t, func() bool { _, err := os.Stat(filepath.Join(run, "control")); return err == nil }, "the control socket")
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for begin := time.Now(); ; <-tick.C {
				conn, err := net.Dial(test.network, address)
				if err != nil {
					t.Fatal(err)
				}
				clients.Add(1)
				go func() {
					defer clients.Done()
					_, _ = io.Copy(io.Discard, conn)
					_ = conn.Close()
				}()
				if n := childrenOf(cmd.Process.Pid); n >= 18 {
					return
				} else if time.Since(begin) > 30*time.Second {
					t.Fatalf("%d workers after 30 s of an overload", n)
				}
			}
		})
	}
}

// freeAddress is one on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// childrenOf counts the processes that one has started.
func childrenOf(pid int) (n int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, name := range lists {
		list, _ := os.ReadFile(name)
		n += len(strings.Fields(string(list)))
	}
	return n
}
