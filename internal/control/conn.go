package control

import (
	"errors"
	"io"
	"net"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// calmConn is a connection whose calls take no thread from others. Go's own are
// announced to the scheduler, which may start a thread for the next goroutine meanwhile;
// of a crowd of peers there could be one for each. These are not, as a socket that does
// not block returns at once; waiting is the poller's.
type calmConn struct {
	net.Conn
	raw syscall.RawConn
}

// calm returns c as it is if it has no descriptor.
func calm(c net.Conn) net.Conn {
	if s, ok := c.(syscall.Conn); ok {
		if raw, err := s.SyscallConn(); err == nil {
			return &calmConn{c, raw}
		}
	}
	return c
}

func (c *calmConn) Read(p []byte) (n int, err error) {
	if len(p) == 0 {
		return 0, nil
	}
	failed := c.raw.Read(func(fd uintptr) bool {
		for n, err = nowait.Recv(int(fd), p); errors.Is(err, unix.EINTR); n, err = nowait.Recv(int(fd), p) {
		}
		return !errors.Is(err, unix.EAGAIN)
	})
	switch {
	case failed != nil:
		return 0, failed
	case err != nil:
		return 0, err
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

func (c *calmConn) Write(p []byte) (n int, err error) {
	failed := c.raw.Write(func(fd uintptr) bool {
		for n < len(p) {
			var m int
			m, err = nowait.Write(int(fd), p[n:])
			switch {
			case errors.Is(err, unix.EAGAIN):
				return false
			case errors.Is(err, unix.EINTR):
				err = nil
				continue
			case err != nil:
				return true
			}
			n += m
		}
		return true
	})
	if failed != nil {
		return n, failed
	}
	return n, err
}

func (c *calmConn) Close() (err error) {
	nowait.Blocking(func() { err = c.Conn.Close() })
	return err
}

func (c *calmConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return nil
}
