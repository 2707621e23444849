package report

import (
	"time"

	"golang.org/x/sys/unix"
)

const (
	// relieveEvery is how often it is looked how full the queue is, and relieveAgain how
	// soon after room was made. So long a worker waits at most.
	relieveEvery = 10 * time.Millisecond
	relieveAgain = time.Millisecond
	// crowded is how many bytes wait at most. A socket has room for some 270 datagrams of
	// its own (net.core.wmem_default), however many the other end takes, and no word of
	// the contract has less than seven bytes.
	crowded = 128 * len("READY=1")
)

// Relieve keeps room in the report socket fd, which nobody reads, until stop is closed:
// workers send blocking, and while there is no room they would serve nobody. What was said
// last is kept, as that is what a worker does now. Only where no room can be made it
// returns at once.
func Relieve(fd int, stop <-chan struct{}) {
	probe, err := connectTo(fd)
	if err != nil {
		return
	}
	defer unix.Close(probe)
	for {
		pause := relieveEvery
		if full(probe) {
			pause = relieveAgain
			for range max(Queue()/2, 1) {
				giveUp(fd)
			}
		}
		if holdsMore(fd, crowded) {
			pause = relieveAgain
			for holdsMore(fd, crowded/2) && giveUp(fd) {
			}
		}
		select {
		case <-stop:
			return
		case <-time.After(pause):
		}
	}
}

// connectTo returns a socket that can be asked whether fd has room for what it sends.
func connectTo(fd int) (int, error) {
	if _, err := boundTo(fd); err != nil {
		return -1, err
	}
	address, err := unix.Getsockname(fd)
	if err != nil {
		return -1, err
	}
	probe, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, err
	}
	if err := unix.Connect(probe, address); err != nil {
		_ = unix.Close(probe)
		return -1, err
	}
	return probe, nil
}

// full: the kernel says that a datagram would have to wait.
func full(probe int) bool {
	set := []unix.PollFd{{Fd: int32(probe), Events: unix.POLLOUT}}
	n, err := unix.Poll(set, 0)
	return err == nil && n == 0
}

// holdsMore: more than so many bytes wait in fd. The kernel tells of a queue of datagrams
// only how long the first one is, but it finds one behind an offset.
func holdsMore(fd, bytes int) bool {
	const never = -1
	if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEEK_OFF, bytes) != nil {
		return false
	}
	defer func() { _ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PEEK_OFF, never) }()
	var first [1]byte
	_, _, err := unix.Recvfrom(fd, first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == nil
}

// giveUp reads one datagram away, if there is one. Descriptors that came with it are closed
// by the kernel.
func giveUp(fd int) bool {
	var first [1]byte
	_, _, err := unix.Recvfrom(fd, first[:], unix.MSG_DONTWAIT)
	return err == nil
}
