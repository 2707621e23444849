package quiesce

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Numbers of the system calls that not every architecture has.
const (
	sysAccept   = unix.SYS_ACCEPT
	sysRecvfrom = unix.SYS_RECVFROM
)

var native = binary.LittleEndian

// isPoll: after SIGSTOP and SIGCONT poll(2) goes on as restart_syscall(2), with the same
// arguments. Those of the other calls that do make no sense as poll's.
func isPoll(c call) bool {
	return c.Number == unix.SYS_PPOLL || c.Number == unix.SYS_RESTART_SYSCALL
}

func isSelect(c call) bool { return c.Number == unix.SYS_PSELECT6 }

func isEpoll(c call) bool {
	return c.Number == unix.SYS_EPOLL_PWAIT || c.Number == unix.SYS_EPOLL_PWAIT2
}
