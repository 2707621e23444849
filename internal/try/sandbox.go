package try

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/spawn"
)

// sandbox is what all ways share: a directory, and the program as availd would start it.
type sandbox struct {
	o       Options
	dir     string
	output  *os.File // of the program
	command *spawn.Command
}

func newSandbox(o Options) (s *sandbox, err error) {
	if err := spawn.BecomeReaper(); err != nil {
		return nil, err
	}
	s = &sandbox{o: o}
	if s.dir, err = os.MkdirTemp("", "availd-try-"); err != nil {
		return nil, err
	}
	if s.output, err = os.OpenFile(filepath.Join(s.dir, "output"), os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600); err != nil {
		_ = os.RemoveAll(s.dir)
		return nil, err
	}
	s.command = &spawn.Command{Path: o.Path, Args: o.Command[1:], Environ: os.Environ(), Descriptors: o.Descriptors, IgnoreSIGPIPE: true}
	return s, nil
}

func (s *sandbox) close() {
	endAll()
	_ = s.output.Close()
	_ = os.RemoveAll(s.dir)
}

// listen opens a scratch socket on the loopback address.
func (s *sandbox) listen() (activation.Socket, error) {
	sockets, err := activation.Listen([]string{"127.0.0.1:0"}, nil)
	if err != nil {
		return activation.Socket{}, err
	}
	return sockets[0], nil
}

// lastLine is the last that the program has written, of a bounded length.
func (s *sandbox) lastLine() string {
	const most = 4096
	text := make([]byte, most)
	size, _ := s.output.Seek(0, 2) // of a file that is there
	n, _ := s.output.ReadAt(text, max(0, size-most))
	lines := strings.Split(strings.TrimSpace(string(text[:n])), "\n")
	line := strings.TrimSpace(lines[len(lines)-1])
	if len(line) > 200 {
		line = line[:200] + "…"
	}
	return line
}

// forget empties the output, for the next way.
func (s *sandbox) forget() { _ = s.output.Truncate(0) }

// reports opens a socket for what a worker says of itself, and returns its path.
func (s *sandbox) reports() (fd int, path string, err error) {
	path = filepath.Join(s.dir, "notify")
	_ = os.Remove(path)
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, "", os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return -1, "", os.NewSyscallError("bind", err)
	}
	return fd, path, nil
}

// mostProcesses bounds what is ended and looked at in one go.
const mostProcesses = 4096

// endAll ends what this process has started, and what that has, until nothing is left.
func endAll() {
	for until := time.Now().Add(endPatience); time.Now().Before(until); {
		left := procfs.Family(os.Getpid(), mostProcesses)[1:]
		if len(left) == 0 {
			return
		}
		for _, pid := range left {
			if pid != os.Getpid() {
				_ = unix.Kill(pid, unix.SIGKILL)
			}
		}
		for _, pid := range left { // only children are collected; others become ones
			var status unix.WaitStatus
			for try := 0; try < 20; try++ {
				got, err := unix.Wait4(pid, &status, unix.WNOHANG, nil)
				if got != 0 || err != nil && !errors.Is(err, unix.EINTR) {
					break
				}
				pause(context.Background(), 5*time.Millisecond)
			}
		}
	}
}

// endPatience is how long killed processes may take to be gone.
const endPatience = 5 * time.Second

// pause waits, for no longer than ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// exitText says how a process has ended.
func exitText(code, signal int) string {
	if signal != 0 {
		return fmt.Sprintf("was killed by %s", unix.SignalName(unix.Signal(signal)))
	}
	return fmt.Sprintf("exited with status %d", code)
}
