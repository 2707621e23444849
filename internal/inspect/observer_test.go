package inspect

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/policy"
)

// waitAs plays a worker that waits in its own way, with the listening socket as descriptor 3.
func waitAs(how string) {
	switch how {
	case "accept":
		for {
			fd, _, _ := unix.Accept(3)
			b := make([]byte, 10)
			for n := 1; n > 0; { // until the client is done
				n, _ = unix.Read(fd, b)
				_, _ = unix.Write(fd, b[:max(n, 0)])
			}
			_ = unix.Close(fd)
		}
	case "poll":
		_, _ = unix.Poll([]unix.PollFd{{Fd: 0}, {Fd: 3, Events: unix.POLLIN}}, -1)
	case "select":
		var set unix.FdSet
		set.Set(3)
		_, _ = unix.Select(4, &set, nil, nil, nil)
	case "epoll":
		ep, _ := unix.EpollCreate1(0)
		_ = unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, 3, &unix.EpollEvent{Events: unix.EPOLLIN})
		_, _ = unix.EpollWait(ep, make([]unix.EpollEvent, 1), -1)
	case "sleep":
		time.Sleep(time.Hour)
	case "close":
		_ = unix.Close(3)
		_ = unix.Pause()
	case "compute":
		for n := uint64(1); n > 0; n++ { // for centuries
		}
	case "stop":
		for {
			_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
		}
	case "read":
		var p [2]int
		_ = unix.Pipe(p[:])
		_, _ = unix.Read(p[0], make([]byte, 1))
	case "poll another":
		var p [2]int
		_ = unix.Pipe(p[:])
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(p[0]), Events: unix.POLLIN}}, -1)
	}
	os.Exit(0)
}

func observed(t *testing.T, how string) (l *Observer, pid int, address string) {
	t.Helper()
	address = filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	f, err := listener.(*net.UnixListener).File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env, cmd.ExtraFiles = append(os.Environ(), roleVariable+"="+waits+how), []*os.File{f}
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true} // who is stopped is woken when its group has lost its leader
	fd := int(f.Fd())
	_ = unix.SetNonblock(fd, false)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = f.Close()
		_ = listener.Close()
	})
	l = NewObserver([]int{fd})
	t.Cleanup(func() { _ = l.Close() })
	return l, cmd.Process.Pid, address
}

func until(t *testing.T, l *Observer, pid int, what string, is func(policy.Observation) bool) {
	t.Helper()
	var f policy.Observation
	testutil.WaitFor(t, func() bool {
		l.Round(map[uint64]bool{1: true})
		f = l.Look(Worker{pid, 1})
		return is(f)
	}, what, &f)
}

// TestCrash: a worker that exits has no descriptors before it is gone, and has not finished
// what it held.
func TestCrash(t *testing.T) {
	l, pid, address := observed(t, "accept")
	client, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	until(t, l, pid, "holds", func(f policy.Observation) bool { return f.Holds })
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, l, pid, "a zombie", func(f policy.Observation) bool {
		if f.Finished {
			t.Fatalf("a killed worker has finished its request: %+v", f)
		}
		return !f.Holds
	})
}

// TestWaits: who waits at the socket is told from who waits for something else, who cannot
// wait there, and who does not wait. It stays so.
func TestWaits(t *testing.T) {
	for how, want := range map[string]policy.Waits{
		"accept": atSocket, "poll": atSocket, "select": atSocket, "epoll": atSocket,
		"sleep": elsewhere, "read": elsewhere, "poll another": elsewhere, "close": elsewhere,
		"compute": nowhere, "stop": nowhere,
	} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			l, pid, _ := observed(t, how)
			alike := 0
			until(t, l, pid, how, func(f policy.Observation) bool {
				alike++
				if f.Waits != want {
					alike = 0
				}
				return alike == 50
			})
		})
	}
}

// TestHoldsAndFinishes: a connection is seen while it is there, and that it is gone; and
// many that are shorter than the time between two looks.
func TestHoldsAndFinishes(t *testing.T) {
	l, pid, address := observed(t, "accept")
	until(t, l, pid, "waits", func(f policy.Observation) bool { return f.Waits == atSocket && !f.Holds && !f.Finished })
	c, err := net.Dial("unix", address)
	if err != nil {
		t.Fatal(err)
	}
	until(t, l, pid, "holds", func(f policy.Observation) bool { return f.Holds && !f.Finished })
	_ = c.Close()
	until(t, l, pid, "finished", func(f policy.Observation) bool { return !f.Holds && f.Finished })

	l, pid, address = observed(t, "accept")
	until(t, l, pid, "waits", func(f policy.Observation) bool { return f.Waits == atSocket })
	for range 3 * busyRuns {
		c, err := net.Dial("unix", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = c.Write([]byte("x"))
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
	}
	until(t, l, pid, "came back", func(f policy.Observation) bool { return f.Finished && f.Waits == atSocket })
}

// TestHidden: who has a ring may accept by it, without a descriptor.
func TestHidden(t *testing.T) {
	if _, hidden := filesOf(os.Getpid()); hidden {
		t.Error("of this process something is hidden")
	}
	var parameters [120]byte // struct io_uring_params
	fd, _, errno := unix.Syscall(unix.SYS_IO_URING_SETUP, 1, uintptr(unsafe.Pointer(&parameters)), 0)
	if errno != 0 {
		t.Skipf("no io_uring(7) here: %v", errno)
	}
	if _, hidden := filesOf(os.Getpid()); !hidden {
		t.Error("a ring may hide what it accepts from")
	}
	_ = unix.Close(int(fd))
}
