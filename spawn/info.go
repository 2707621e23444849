package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// pidfdInfo is struct pidfd_info of linux/pidfd.h in its first size, which
// every kernel that has the call takes.
type pidfdInfo struct {
	mask     uint64
	cgroup   uint64
	ids      [11]uint32 // pid, tgid, ppid, and the credentials
	exitCode int32      // as wait4 would give it
}

const (
	pidfdGetInfo  = 0xC040FF0B // _IOWR(0xFF, 11, struct pidfd_info)
	pidfdInfoExit = 1 << 3
)

// exitStatus asks a pidfd how its process ended, which wait4(2) tells a parent
// only. False: the kernel cannot tell (before Linux 6.15), or its parent has
// not collected it yet. It is a variable so that tests can be an older kernel.
var exitStatus = func(fd int) (unix.WaitStatus, bool) {
	info := pidfdInfo{mask: pidfdInfoExit}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), pidfdGetInfo, uintptr(unsafe.Pointer(&info)))
	if errno != 0 || info.mask&pidfdInfoExit == 0 {
		return 0, false
	}
	return unix.WaitStatus(info.exitCode), true
}
