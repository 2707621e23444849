package man

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/need"
)

// patience is how long a test waits for what should happen at once.
const patience = time.Minute

// snippet is the display of the worker page that contains mark.
func snippet(t *testing.T, mark string) string {
	t.Helper()
	for _, block := range displays(t, "availd-worker.7") {
		if strings.Contains(block, mark) {
			return block
		}
	}
	t.Fatalf("no example contains %q", mark)
	return ""
}

func TestPythonWorker(t *testing.T) {
	python := need.Program(t, "python3")
	file := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(file, []byte(snippet(t, "import os, ")), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, python, file)
}

func TestCWorker(t *testing.T) {
	cc := need.Program(t, "cc")
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "worker.c"), filepath.Join(dir, "worker")
	if err := os.WriteFile(file, []byte(snippet(t, "#include")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-Wall", "-Wextra", "-Werror", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	play(t, binary)
}

// play is availd to one worker: two clients, then the retire signal.
func play(t *testing.T, command ...string) {
	reports, address := reportSocket(t)
	listener, file := listenSocket(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	// The shell stays the same process, so that LISTEN_PID is the worker's.
	cmd := exec.CommandContext(ctx, "/bin/sh", append([]string{"-c", `LISTEN_PID=$$ exec "$@"`, "sh"}, command...)...)
	cmd.Env = append(os.Environ(), "LISTEN_FDS=1", "NOTIFY_SOCKET="+address)
	cmd.ExtraFiles = []*os.File{file}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	expect(t, reports, "READY=1")
	for range 2 {
		if got, want := visit(t, listener), fmt.Sprintf("hello from %d\n", cmd.Process.Pid); got != want {
			t.Errorf("the client got %q, want %q", got, want)
		}
		expect(t, reports, "X_AVAILD=busy")
		expect(t, reports, "X_AVAILD=idle")
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after the retire signal: %v", err)
	}
}

func reportSocket(t *testing.T) (*net.UnixConn, string) {
	t.Helper()
	address := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: address})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c, address
}

// listenSocket returns a non-blocking listener, as NonBlocking=yes gives it.
func listenSocket(t *testing.T) (net.Addr, *os.File) {
	t.Helper()
	l, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	dup, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dup.Close() }()
	// Fd makes the description blocking, and os/exec calls it too; so the flag
	// is set last, behind the back of a file that was blocking when it was made.
	fd, err := syscall.Dup(int(dup.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	f := os.NewFile(uintptr(fd), "listener")
	t.Cleanup(func() { _ = f.Close() })
	if err := syscall.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	return l.Addr(), f
}

func visit(t *testing.T, address net.Addr) string {
	t.Helper()
	c, err := net.DialTimeout("tcp4", address.String(), patience)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(patience))
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return line
}

func expect(t *testing.T, reports *net.UnixConn, want string) {
	t.Helper()
	_ = reports.SetReadDeadline(time.Now().Add(patience))
	var buf [4096]byte
	n, err := reports.Read(buf[:])
	if err != nil {
		t.Fatalf("waiting for %s: %v", want, err)
	}
	if got := string(buf[:n]); got != want {
		t.Fatalf("the worker reports %q, want %q", got, want)
	}
}
