package report_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
)

// TestRelieve: nobody reads the socket, and whoever reports is not held up, be it one that
// sends all, whose own room is what ends first, or many. What was said last is there for
// who reads the socket next.
func TestRelieve(t *testing.T) {
	for _, senders := range []int{1, 40} {
		t.Run(fmt.Sprint(senders), func(t *testing.T) {
			s := listen(t, "")
			stop := make(chan struct{})
			var relieving, sending sync.WaitGroup
			relieving.Go(func() { report.Relieve(s.FD(), stop) })
			each := 2000 / senders
			for range senders {
				fd := patient(t)
				sending.Go(func() {
					for n := 1; n <= each; n++ {
						if err := say(fd, s, fmt.Sprintf("X_AVAILD_DONE=%d", n)); err != nil {
							t.Errorf("report %d: %v", n, err) // EAGAIN: it has waited for room for all that time
							return
						}
					}
				})
			}
			sending.Wait()
			must(t, say(patient(t), s, "X_AVAILD_DONE=123456"))
			close(stop)
			relieving.Wait()
			last := 0
			for m := (report.Message{}); !errors.Is(s.Receive(&m), report.ErrEmpty); {
				last = m.Done
			}
			if last != 123456 {
				t.Errorf("the last report that is left says %d", last)
			}
		})
	}
}

// patient returns a socket that reports as a worker does.
func patient(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(fd) })
	must(t, unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &unix.Timeval{Sec: 30}))
	return fd
}

func say(fd int, s *report.Socket, text string) error {
	for {
		err := unix.Sendto(fd, []byte(text), 0, &unix.SockaddrUnix{Name: s.Address()})
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// TestRelieveLeavesRoomAlone: what finds room is not given up.
func TestRelieveLeavesRoomAlone(t *testing.T) {
	s := listen(t, "")
	const n = 8
	for range n {
		must(t, send(s.Address(), []byte("X_AVAILD_DONE=1")))
	}
	stop := make(chan struct{})
	close(stop)
	report.Relieve(s.FD(), stop)
	for i := range n {
		if m := receive(t, s); m.Done != 1 {
			t.Fatalf("report %d of %d: %+v", i, n, m)
		}
	}
}

// TestRelieveNothing: what is no report socket is left alone, at once.
func TestRelieveNothing(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	_, err = unix.Write(fds[1], []byte("mine"))
	must(t, err)
	report.Relieve(fds[0], make(chan struct{}))
	report.Relieve(-1, make(chan struct{}))
	if n, err := unix.Read(fds[0], make([]byte, 8)); n != 4 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
}
