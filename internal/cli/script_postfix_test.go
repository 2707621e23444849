package cli

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// workPostfix is a daemon of Postfix, as its single_server(3) skeleton makes one:
// descriptors of fixed numbers, a record when it is taken and when it is free, and
// an exit when the status channel ends.
func workPostfix() {
	generation, err := strconv.ParseUint(os.Getenv("GENERATION"), 8, 32)
	if err != nil {
		fail(err)
	}
	for served := 0; ; {
		ready := []unix.PollFd{{Fd: 5, Events: unix.POLLIN}, {Fd: 6, Events: unix.POLLIN}}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR {
			fail(err)
		}
		if ready[0].Revents != 0 {
			fmt.Println("a daemon leaves")
			return
		}
		client, _, err := unix.Accept4(6, unix.SOCK_CLOEXEC)
		if err != nil { // another was faster
			continue
		}
		record(uint32(generation), 0)
		converse(client)
		record(uint32(generation), 1)
		served++
		fmt.Printf("daemon %d has served %d\n", generation, served) // scripts wait for that
	}
}

// record is master_notify of Postfix.
func record(generation, available uint32) {
	var b []byte
	for _, n := range []uint32{uint32(os.Getpid()), generation, available} {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	_, _ = unix.Write(5, b) // the master may be gone
}

// converse answers one line: with what the daemon was started with, or, if the line
// is the path of a named pipe, when that is opened.
func converse(client int) {
	f := os.NewFile(uintptr(client), "client")
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		fail(err)
	}
	defer c.Close()
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if err != nil {
		return
	}
	if line := strings.TrimSpace(string(buf[:n])); strings.HasPrefix(line, "/") {
		fmt.Println("a daemon is taken")
		_, _ = os.ReadFile(line)
	}
	fmt.Fprintf(c, "args %s\ngeneration %s\n%s", strings.Join(os.Args[1:], " "), os.Getenv("GENERATION"), described())
}

// described lists the descriptors that a daemon of Postfix looks for, and whether
// they block.
func described() string {
	var b strings.Builder
	for fd := 0; fd <= 6; fd++ {
		link, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", fd))
		flags, _ := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
		kind, _, _ := strings.Cut(link, ":")
		if err != nil || fd == 1 || fd == 2 {
			continue
		}
		fmt.Fprintf(&b, "%d %s non-blocking %t\n", fd, kind, flags&unix.O_NONBLOCK != 0)
	}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "NOTIFY_SOCKET"} {
		if _, ok := os.LookupEnv(name); ok {
			fmt.Fprintf(&b, "%s is set\n", name)
		}
	}
	return b.String()
}
