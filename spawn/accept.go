package spawn

import (
	"errors"
	"fmt"
	"math"
	"os"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// This file takes the connection that a worker is started with (inetd) off the listening
// socket; all other workers accept themselves. Where a connection comes from is in peer.go.
// [ErrNoConnection] says that nobody waits. Every other error is the system's, mostly that
// descriptors or memory are missing; the connection goes on waiting then.

// ErrNoConnection says that no connection waits (any more).
var ErrNoConnection = errors.New("spawn: no connection waits")

// Conn is an accepted connection. FD is blocking and close-on-exec, and belongs
// to the caller.
type Conn struct {
	FD int
	// Address and Port are the peer's, as systemd puts them into REMOTE_ADDR
	// and REMOTE_PORT; "" where it has none.
	Address, Port string
	// Source is what counts as one client: an IPv4 address (also one that is
	// mapped into IPv6), the /64 of an IPv6 address, a user of this host.
	Source string
	// Waited is how long it has waited to be accepted, by the kernel's clock, which ticks
	// every 1 to 10 ms; negative = that is not known (AF_UNIX).
	Waited time.Duration
}

// tries bounds the connections that are passed over because of an error of their
// own: a filter of system calls may answer every call with one of those.
const tries = 32

// Accept takes the next connection. The listener must be non-blocking: somebody
// else may have been faster, or the client may have left.
func Accept(listener int) (Conn, error) {
	waits, room := look(listener)
	if !waits {
		return Conn{}, ErrNoConnection
	}
	if !room {
		if err := findRoom(listener); err != nil {
			return Conn{}, err
		}
	}
	var err error
	for range tries {
		var fd int
		var peer unix.RawSockaddrAny
		fd, err = nowait.Accept(listener, unix.SOCK_CLOEXEC, &peer)
		switch {
		case err == nil:
			reset, waited := examine(fd)
			if !reset {
				c := describe(fd, &peer)
				c.Waited = waited
				return c, nil
			}
			_ = nowait.Close(fd) // nobody is there for whom a process could be started
			err = unix.ECONNRESET
		case errors.Is(err, unix.EAGAIN):
			return Conn{}, ErrNoConnection
		case !transient(err): // else the client's trouble: accept(2) says to try the next
			return Conn{}, os.NewSyscallError("accept4", err)
		}
	}
	return Conn{}, os.NewSyscallError("accept4", err)
}

// reserve is how many descriptors have to be free before one is taken for a worker:
// two for the connection and the pidfd, three more where availd executes itself first,
// and those by which availd itself goes on: a peer that asks for the status, the trial
// of an upgrade, a look into /proc.
const reserve = 5 + 8

// Room reports an error (EMFILE) unless availd keeps enough descriptors for itself when
// one more worker is started.
func Room() error {
	if _, room := look(-1); room {
		return nil
	}
	return findRoom(0)
}

// look reports whether a connection waits, and whether the last numbers that a
// descriptor may have are free, for which poll(2) says POLLNVAL: then there is
// room. What cannot be told so, is left to what comes next.
func look(listener int) (waits, room bool) {
	entries := [1 + reserve]unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return true, false
	}
	for i := range reserve {
		entries[1+i].Fd = int32(min(limit.Cur, math.MaxInt32)) - int32(i) - 1
	}
	if _, err := nowait.Poll(entries[:]); err != nil {
		return true, false
	}
	room = true
	for _, number := range entries[1:] {
		room = room && number.Revents&unix.POLLNVAL != 0
	}
	return entries[0].Revents != 0, room
}

// findRoom reports an error (EMFILE) unless enough descriptors are left. A
// connection that was accepted without them could only be closed; one that waits
// is served when another has ended.
func findRoom(listener int) error {
	var taken [reserve]int
	for i := range taken {
		fd, err := unix.FcntlInt(uintptr(listener), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			closeAll(taken[:i])
			return fmt.Errorf("no descriptors are left for a worker, raise LimitNOFILE=: %w", err)
		}
		taken[i] = fd
	}
	closeAll(taken[:])
	return nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		_ = nowait.Close(fd)
	}
}

// tcpClose is TCP_CLOSE of the kernel's net/tcp_states.h.
const tcpClose = 7

// examine reports whether the client of a TCP connection has reset it already, so that
// nothing of it can be read any more, and nobody would read an answer. Who has only
// shut down its side waits for one. waited is how long it has waited: nothing was sent yet,
// and the kernel counts the time without from when the connection was made
// (tcpi_last_data_sent of tcp(7)'s TCP_INFO); negative = that is not known.
func examine(fd int) (reset bool, waited time.Duration) {
	var info unix.TCPInfo
	n, err := nowait.Option(fd, unix.IPPROTO_TCP, unix.TCP_INFO, &info)
	switch {
	case err != nil || uintptr(n) < unsafe.Offsetof(info.Last_ack_sent):
		return false, -1
	case info.State == tcpClose:
		return true, -1
	}
	return false, time.Duration(info.Last_data_sent) * time.Millisecond
}

// transient are errors of the one connection, which Linux passes on in accept.
func transient(err error) bool {
	for _, e := range []error{
		unix.EINTR, unix.ECONNABORTED, unix.ENETDOWN, unix.EPROTO, unix.ENOPROTOOPT, unix.EHOSTDOWN,
		unix.ENONET, unix.EHOSTUNREACH, unix.EOPNOTSUPP, unix.ENETUNREACH, unix.EPERM,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
