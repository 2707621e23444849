package cli

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"
)

// rogue [queue] is a worker that serves, and does what the path of a request names to
// what it shares with availd and with other workers.
func rogue() {
	reports := len(os.Args) < 2 || os.Args[1] != "queue"
	term := make(chan os.Signal, 1)
	signal.Notify(term, unix.SIGTERM)
	go func() { <-term; os.Exit(0) }()
	if reports {
		report("READY=1")
	}
	for {
		poll := []unix.PollFd{{Fd: 3, Events: unix.POLLIN}}
		if _, err := unix.Poll(poll, -1); err != nil && !errors.Is(err, unix.EINTR) {
			fail(err)
		}
		fd, _, err := unix.Accept(3)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			fail(err)
		}
		if reports {
			report("X_AVAILD=busy")
		}
		serveRogue(fd)
		if reports {
			report("X_AVAILD=idle")
		}
	}
}

func serveRogue(fd int) {
	f := os.NewFile(uintptr(fd), "client")
	defer f.Close()
	request := make([]byte, 4096)
	n, _ := f.Read(request)
	words := strings.Fields(string(request[:n]))
	if len(words) < 2 {
		return
	}
	text := "served by " + strconv.Itoa(os.Getpid())
	if attack := attacks[words[1]]; attack != nil {
		text = fmt.Sprint("attacked ", attack())
	}
	fmt.Fprintf(f, "HTTP/1.0 200 OK\r\n\r\n%s\n", text)
}

// report sends one report, with descriptors.
func report(text string, fds ...int) error {
	to := os.Getenv("NOTIFY_SOCKET")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	return unix.Sendmsg(fd, []byte(text), rights, &unix.SockaddrUnix{Name: to}, 0)
}

// shared visits the descriptors that this worker was started with.
func shared(visit func(fd int) error) (n int) {
	for fd := range 16 {
		if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil && flags&unix.FD_CLOEXEC == 0 && visit(fd) == nil {
			n++
		}
	}
	return n
}

var attacks = map[string]func() any{
	"/shutdown": func() any { return unix.Shutdown(3, unix.SHUT_RDWR) },
	"/disconnect": func() any {
		var unspecified [16]byte
		_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, 3, uintptr(unsafe.Pointer(&unspecified[0])), 16)
		return errno
	},
	"/unblock": func() any {
		return shared(func(fd int) error { return unix.SetNonblock(fd, false) })
	},
	"/async": func() any {
		return shared(func(fd int) error {
			_, err := unix.FcntlInt(uintptr(fd), unix.F_SETOWN, os.Getppid())
			flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
			_, failed := unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_ASYNC)
			return errors.Join(err, failed)
		})
	},
	"/options": func() any {
		hour := unix.Timeval{Sec: 3600}
		return errors.Join(unix.SetsockoptLinger(3, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 3600}),
			unix.SetsockoptTimeval(3, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &hour), unix.SetsockoptTimeval(3, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &hour),
			unix.SetsockoptInt(3, unix.SOL_SOCKET, unix.SO_RCVBUF, 1), unix.SetsockoptInt(3, unix.SOL_SOCKET, unix.SO_SNDBUF, 1),
			unix.Listen(3, 1))
	},
	"/garbage": func() any {
		board, _ := strconv.Atoi(os.Getenv(worker.EnvBoardFD))
		wake, _ := strconv.Atoi(os.Getenv(worker.EnvWakeFD))
		memory, err := unix.Mmap(board, 0, worker.BoardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			return err
		}
		for i := range memory {
			memory[i] = byte(i*i) | 0x81
		}
		_, err = unix.Write(wake, bytes.Repeat([]byte{0xfe}, 8))
		return err
	},
	"/cut": cut,
	"/name": func() any { // as /proc/PID/stat and Name: of /proc/PID/status show it
		name := [16]byte([]byte("a) S 1 (\nPid:\t1\x00"))
		return unix.Prctl(unix.PR_SET_NAME, uintptr(unsafe.Pointer(&name[0])), 0, 0, 0)
	},
	"/undumpable": func() any { return unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0) },
	"/group":      func() any { return joinGroup() },
	"/sizes": func() any {
		for _, n := range []int{0, 1, 2, 4095, 4096, 4097, 60000} {
			for _, text := range []string{"\x00", "\n", "=", "STATUS=", "X_AVAILD=idle\n", "X_AVAILD_JOBS=-9223372036854775808\n"} {
				if err := report(strings.Repeat(text, n/len(text))); err != nil {
					return err
				}
			}
		}
		return report("X_AVAILD_JOBS=0")
	},
	"/flood": func() any {
		for _, text := range []string{
			"X_AVAILD=idle", "X_AVAILD=busy", "X_AVAILD=maybe", "X_AVAILD_DONE=1000000", "X_AVAILD_JOBS=1000000", "X_AVAILD_JOBS=-1",
			"MAINPID=1\nFDSTORE=1", "\x00\x00", "STATUS=\x1b]0;x\a\xff", strings.Repeat("x", 5000), "READY=1\nSTATUS=" + strings.Repeat("y", 4000),
		} {
			for range 300 {
				if err := report(text); err != nil && !errors.Is(err, unix.EMSGSIZE) {
					return err
				}
			}
		}
		return report("X_AVAILD_JOBS=0")
	},
	"/rights": func() any {
		memory, err := unix.MemfdCreate("huge", 0)
		if err == nil {
			err = unix.Ftruncate(memory, 1<<40)
		}
		if err != nil {
			return err
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		f, _ := l.(*net.TCPListener).File()
		refused := 0
		for range 50 {
			if report("BARRIER=1", memory, int(f.Fd()), 0, 3) != nil {
				refused++
			}
		}
		return refused
	},
}
