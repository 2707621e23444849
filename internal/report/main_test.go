package report_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
)

// The test binary plays the workers: with this variable it sends one datagram
// to NOTIFY_SOCKET when its standard input ends, and leaves.
const payloadVariable = "REPORT_TEST_PAYLOAD"

func TestMain(m *testing.M) {
	payload, child := os.LookupEnv(payloadVariable)
	if !child {
		os.Exit(m.Run())
	}
	fmt.Println("here")
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := send(os.Getenv("NOTIFY_SOCKET"), []byte(payload)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// send sends one datagram from this process, with descriptors. It keeps out
// of package net, whose poller opens descriptors of its own.
func send(address string, b []byte, fds ...int) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(fd, b, rights, &unix.SockaddrUnix{Name: address}, 0)
}

// sender is a child that sends when told to.
type sender struct {
	*exec.Cmd
	stdin io.Closer
}

func startSender(t *testing.T, address, payload string) *sender {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), payloadVariable+"="+payload, "NOTIFY_SOCKET="+address)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	must(t, err)
	stdout, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	must(t, err)
	return &sender{cmd, stdin}
}

// sendAndExit returns when the child is reaped.
func (s *sender) sendAndExit(t *testing.T) {
	t.Helper()
	must(t, s.stdin.Close())
	must(t, s.Wait())
}

func listen(t *testing.T, path string) *report.Socket {
	t.Helper()
	s, err := report.Listen(path)
	must(t, err)
	t.Cleanup(func() { _ = s.Close(); _ = s.Remove() })
	return s
}

// receive waits for one datagram.
func receive(t *testing.T, s *report.Socket) report.Message {
	t.Helper()
	waitReadable(t, s.FD())
	var m report.Message
	must(t, s.Receive(&m))
	return m
}

func waitReadable(t *testing.T, fd int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 1000)
		if n > 0 {
			return
		}
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
	}
	t.Fatal("no datagram within 10 s")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
