package inspect

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/testutil"
)

// crowd is how many TCP sockets there are beside those that are looked for, queued how many
// of them are in the queue of one listener, which is what the kernel allows by default.
const (
	crowd  = 100_000
	queued = 4000
)

// TestCrowd looks at a listener on a host with a hundred thousand other sockets for a while,
// as often as it may, which costs a hundredth of a processor, and finds out who waits.
func TestCrowd(t *testing.T) {
	testutil.Root(t) // for a network namespace of its own
	if testing.Short() {
		t.Skip("it takes seconds to open them")
	}
	t.Parallel()
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = []string{roleVariable + "=crowd", "GORACE=atexit_sleep_ms=0"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// playCrowd is the process with all those sockets.
func playCrowd() {
	if err := crowded(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func crowded() error {
	if err := loopbackUp(); err != nil {
		return err
	}
	began := time.Now()
	var others int
	for address := byte(1); others < crowd; address++ {
		listener, to, err := listenAt([4]byte{127, 0, 1, address})
		if err != nil {
			return err
		}
		// Clients that have gone leave a connection each, which takes no descriptor.
		for range queued {
			client, err := connect(to)
			if err != nil {
				return fmt.Errorf("socket %d of %d at %d: %w", others, crowd, listener, err)
			}
			_ = unix.Close(client)
			others++
		}
	}
	listener, to, err := listenAt([4]byte{127, 0, 0, 1})
	if err != nil {
		return err
	}
	if _, err := connect(to); err != nil {
		return err
	}
	connected := time.Now()
	i := New([]int{listener}, nil)
	runtime.LockOSThread()
	opened := connected.Sub(began).Round(time.Millisecond)
	looks, dearest, spent := 0, time.Duration(0), time.Duration(0)
	for time.Since(connected) < 3*time.Second || looks < 2 && time.Since(connected) < time.Minute { // the dearer a look, the rarer they are
		before, began := threadTime(), time.Now()
		a := i.Look(Question{Lists: true})
		if len(a.Queues) > 0 {
			took := threadTime() - before
			looks, spent, dearest = looks+1, spent+took, max(dearest, took)
			if q := a.Queues[0]; q.Waiting != 1 || q.Oldest > time.Since(connected)+slack || q.Oldest+slack < began.Sub(connected) {
				return fmt.Errorf("%+v after %v", q, time.Since(connected))
			}
		}
		<-time.After(max(a.Again, 100*time.Millisecond)) // as the loop asks
	}
	fmt.Printf("%d sockets, opened in %v: %d looks, %v each, the dearest %v", others, opened, looks, spent/time.Duration(max(1, looks)), dearest)
	if most := nowait.MostSaved + time.Since(connected)/share + dearest; looks < 2 || spent > most {
		return fmt.Errorf("%d looks took %v, want %v at most", looks, spent, most)
	}
	return nil
}

func listenAt(address [4]byte) (fd int, to unix.Sockaddr, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err != nil {
		return fd, nil, err
	}
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: address}); err != nil {
		return fd, nil, err
	}
	if err = unix.Listen(fd, 4096); err != nil {
		return fd, nil, err
	}
	to, err = unix.Getsockname(fd)
	return fd, to, err
}

func connect(to unix.Sockaddr) (fd int, err error) {
	if fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		err = unix.Connect(fd, to)
	}
	return fd, err
}

// loopbackUp makes lo of a new network namespace usable.
func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo)
}
