package worker

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func init() {
	roles["describe"] = describe
}

// describe prints to its first client what Listeners found.
func describe() error {
	listeners, err := Listeners()
	if err != nil {
		return err
	}
	if _, err := Listeners(); !errors.Is(err, ErrNoSockets) {
		return fmt.Errorf("second call: %v, want %v", err, ErrNoSockets)
	}
	var text []string
	for _, l := range listeners {
		text = append(text, fmt.Sprintf("%s %s %s", l.(*Listener).Name(), l.Addr().Network(), l.Addr()))
	}
	c, err := listeners[0].Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = fmt.Fprintf(c, "%s|%v|%q\n", strings.Join(text, ","), closeOnExec(firstFD), os.Getenv("LISTEN_FDS"))
	return err
}

func closeOnExec(fd int) bool {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0 && flags&syscall.FD_CLOEXEC != 0
}

func TestListenersTakesTheHandOver(t *testing.T) {
	s := supervise(t, 0)
	p := s.start("describe")
	c := s.Dial()
	defer c.Close()
	want := fmt.Sprintf(`web tcp %v|true|""`, s.Address)
	if got := greeting(t, c); got != want {
		t.Errorf("described as %q, want %q", got, want)
	}
	s.Exited(p)
}

// localSocket makes a listening Unix socket of a kind that systemd hands over.
func localSocket(t *testing.T, kind int) (int, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "listen")
	fd, err := syscall.Socket(syscall.AF_UNIX, kind|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(fd, 8); err != nil {
		t.Fatal(err)
	}
	return fd, path
}

func TestListenerOnLocalSockets(t *testing.T) {
	for network, kind := range map[string]int{"unix": syscall.SOCK_STREAM, "unixpacket": syscall.SOCK_SEQPACKET} {
		t.Run(network, func(t *testing.T) {
			fd, path := localSocket(t, kind)
			l := mustListen(t, fd)
			if got := l.Addr(); got.Network() != network || got.String() != path {
				t.Errorf("address %s %s, want %s %s", got.Network(), got, network, path)
			}
			client, err := net.Dial(network, path)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			c, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := c.LocalAddr().Network(); got != network {
				t.Errorf("connection is %s, want %s", got, network)
			}
			closeListener(t, l)
		})
	}
}

func mustListen(t *testing.T, fd int) *Listener {
	t.Helper()
	s, err := newSocket(fd, "web")
	if err != nil {
		t.Fatal(err)
	}
	l, err := newListener(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func closeListener(t *testing.T, l *Listener) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second close: %v, want %v", err, net.ErrClosed)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after close: %v, want %v", err, net.ErrClosed)
	}
}

func TestListenerCloseEndsAccept(t *testing.T) {
	fd, _ := localSocket(t, syscall.SOCK_STREAM)
	l := mustListen(t, fd)
	errC := make(chan error, 4)
	for range cap(errC) {
		go func() {
			_, err := l.Accept()
			errC <- err
		}()
	}
	closeListener(t, l)
	for range cap(errC) {
		if err := <-errC; !errors.Is(err, net.ErrClosed) {
			t.Errorf("accept ended with %v, want %v", err, net.ErrClosed)
		}
	}
}

func TestListenersRefuses(t *testing.T) {
	self := strconv.Itoa(os.Getpid())
	for name, test := range map[string]struct{ pid, fds, want string }{
		"nothing handed over":        {"", "", ErrNoSockets.Error()},
		"another process meant":      {"1", "1", ErrNoSockets.Error()},
		"no descriptors":             {self, "0", ErrNoSockets.Error()},
		"not a number":               {self, "many", `read LISTEN_FDS: "many" is not a number of descriptors`},
		"a number beyond all reason": {self, "4097", `read LISTEN_FDS: "4097" is not a number of descriptors`},
		"leading zeros":              {"0" + self, "1", ErrNoSockets.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("LISTEN_PID", test.pid)
			t.Setenv("LISTEN_FDS", test.fds)
			if _, err := Listeners(); err == nil || err.Error() != test.want {
				t.Errorf("error %v, want %s", err, test.want)
			}
			if err := Serve(context.Background(), nil); err == nil || err.Error() != test.want {
				t.Errorf("serve: error %v, want %s", err, test.want)
			}
			if got := os.Getenv("LISTEN_FDS"); got != test.fds {
				t.Errorf("LISTEN_FDS is %q after a refusal, want %q", got, test.fds)
			}
		})
	}
}

func TestListenersRefusesWhatDoesNotListen(t *testing.T) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	file, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, fd := range []int{pair[0], int(file.Fd())} {
		if _, err := newSocket(fd, "web"); !errors.Is(err, errNotListening) {
			t.Errorf("descriptor %d: %v, want %v", fd, err, errNotListening)
		}
	}
	if _, err := newSocket(-1, "web"); !errors.Is(err, syscall.EBADF) {
		t.Errorf("descriptor -1: %v, want %v", err, syscall.EBADF)
	}
}
