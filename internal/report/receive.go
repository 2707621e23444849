package report

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/worker"
)

// ErrEmpty says that no datagram waits.
var ErrEmpty = errors.New("report: no datagram waits")

// Receive reads one datagram into m, overwriting all of it, and has every
// descriptor closed that came along. It never blocks: with nothing to read it
// returns [ErrEmpty] and m is unchanged. A datagram that makes no sense is no
// error but sets m.Malformed. Errors mean that the socket itself is broken.
//
// It allocates nothing except a Status: a worker under load reports twice a
// job.
func (s *Socket) Receive(m *Message) error {
	n, err := s.recvmsg()
	switch {
	case errors.Is(err, unix.EAGAIN):
		s.settle()
		return ErrEmpty
	case err != nil:
		return fmt.Errorf("receive report: %w", os.NewSyscallError("recvmsg", err))
	}
	known := s.readControl(m)
	switch {
	case !known:
		m.spoil(noCredentials)
	case s.msg.Flags&unix.MSG_TRUNC != 0:
		m.spoil(tooLong)
	default:
		Parse(s.data[:n], m)
	}
	return nil
}

// recvmsg is unix.RecvmsgBuffers without what that allocates for each call,
// the header and the sender's address. It asks for no address: a sender's
// own name means nothing.
func (s *Socket) recvmsg() (int, error) {
	for {
		s.msg.SetControllen(len(s.control))
		s.msg.Flags = 0
		n, err := nowait.Recvmsg(s.fd, &s.msg, unix.MSG_CMSG_CLOEXEC)
		switch {
		case err == nil && n <= worker.MaxReport:
			return n, nil
		case err == nil:
			panic("report: recvmsg returned more than it was given room for")
		case !errors.Is(err, unix.EINTR):
			return 0, err
		}
	}
}
