package spawn

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// goes is the handler of Go's runtime, which [IgnoreSIGCHLD] has taken back; nil = it has not.
var goes *action

// action is struct sigaction of the kernel: handler, flags, restorer, mask.
type action [4]uint64

// IgnoreSIGCHLD takes back the handler that Go's runtime has for SIGCHLD and
// does nothing in it: each death of a worker would wake one of its threads.
// Deaths are seen by pidfds, and children are collected as before, which they
// would not be if the signal were ignored in the sense of SIG_IGN (wait(2)).
// What the program itself is to inherit is not touched: starts reset signals.
func IgnoreSIGCHLD() error {
	var was action
	if err := exchange(&action{}, &was); err != nil || goes != nil {
		return err
	}
	goes = &was
	return nil
}

// HearSIGCHLD puts that handler back. Neither may be called while the other is. What has
// died meanwhile is not told.
func HearSIGCHLD() error {
	if goes == nil {
		return nil
	}
	return exchange(goes, nil)
}

func exchange(set, was *action) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION,
		uintptr(unix.SIGCHLD), uintptr(unsafe.Pointer(set)), uintptr(unsafe.Pointer(was)), 8, 0, 0)
	if errno != 0 {
		return os.NewSyscallError("rt_sigaction", errno)
	}
	return nil
}
