package spawn

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// IgnoreSIGCHLD takes back the handler that Go's runtime has for SIGCHLD and
// does nothing in it: each death of a worker would wake one of its threads.
// Deaths are seen by pidfds, and children are collected as before, which they
// would not be if the signal were ignored in the sense of SIG_IGN (wait(2)).
// What the program itself is to inherit is not touched: starts reset signals.
func IgnoreSIGCHLD() error {
	var byDefault [4]uint64 // struct sigaction of the kernel: handler, flags, restorer, mask
	_, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION,
		uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("rt_sigaction", errno)
	}
	return nil
}
