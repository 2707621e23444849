package worker

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstFD is the first descriptor of the hand-over (sd_listen_fds(3)).
const firstFD = 3

// maxFDs bounds LISTEN_FDS. It is the most descriptors systemd stores or
// passes for one service by far, and keeps a wild number from being a loop.
const maxFDs = 4096

// ErrNoSockets says that no listening socket was handed over to this process,
// or that [Listeners] has already taken them.
var ErrNoSockets = errors.New("worker: no listening sockets in the environment, start it with: availd run --listen 127.0.0.1:8080 -- COMMAND")

// Listeners takes the listening sockets this process was started with
// (sd_listen_fds(3): LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES), in the order of
// the service's socket units. Each is a [*Listener].
//
// The descriptors become the listeners' and are marked close-on-exec; the
// variables are removed from the environment, so that a second call finds
// nothing and a child believes nothing. Without sockets the error is
// [ErrNoSockets]. On any error no descriptor has been closed, and the
// environment is unchanged.
func Listeners() ([]net.Listener, error) {
	sockets, err := inherit()
	if err != nil {
		return nil, err
	}
	listeners := make([]net.Listener, 0, len(sockets))
	for _, s := range sockets {
		l, err := newListener(s)
		if err != nil {
			abandon(listeners)
			return nil, err
		}
		listeners = append(listeners, l)
	}
	forget(sockets)
	return listeners, nil
}

// inherit looks at what was handed over. Nothing changes by it: forget is what
// takes the sockets.
func inherit() ([]*socket, error) {
	n, err := inherited()
	if err != nil {
		return nil, err
	}
	names := strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	sockets := make([]*socket, n)
	for i := range sockets {
		name := ""
		if len(names) == n {
			name = names[i]
		}
		if sockets[i], err = newSocket(firstFD+i, name); err != nil {
			return nil, err
		}
	}
	return sockets, nil
}

// forget makes the hand-over this process's own: no child gets the sockets,
// none is told of them, and a second look finds none.
func forget(sockets []*socket) {
	for _, s := range sockets {
		syscall.CloseOnExec(s.fd)
	}
	for _, v := range []string{"LISTEN_PID", "LISTEN_PIDFDID", "LISTEN_FDS", "LISTEN_FDNAMES"} {
		os.Unsetenv(v)
	}
}

// inherited returns how many descriptors were passed to this very process.
// LISTEN_PID is what tells them from those of a parent that forgot to remove
// the variables.
func inherited() (int, error) {
	if os.Getenv("LISTEN_PID") != strconv.Itoa(os.Getpid()) {
		return 0, ErrNoSockets
	}
	text := os.Getenv("LISTEN_FDS")
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxFDs {
		return 0, fmt.Errorf("read LISTEN_FDS: %q is not a number of descriptors", text)
	}
	if n == 0 {
		return 0, ErrNoSockets
	}
	return n, nil
}

// abandon undoes newListener for each, which leaves the sockets open.
func abandon(listeners []net.Listener) {
	for _, l := range listeners {
		w := l.(*Listener).waiter
		w.end()
		w.close()
	}
}
