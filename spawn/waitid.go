package spawn

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// siginfo is what waitid(2) fills in of siginfo_t: three numbers, on 64-bit machines
// padded to what follows, which for a child is its pid, its user and its status.
type siginfo struct {
	signo, errno, code int32
	_                  [unsafe.Sizeof(uintptr(0)) - 4]byte
	pid                int32
	uid                uint32
	status             int32
	_                  [120]byte
}

// cldExited says that status is an exit status and no signal (CLD_EXITED of sigaction(2)).
const cldExited = 1

func (i *siginfo) end() policy.End {
	if i.code == cldExited {
		return policy.End{Code: int(i.status)}
	}
	return policy.End{Signal: int(i.status)}
}

// waitid does not wait: its callers give it WNOHANG.
func waitid(kind, id int, info *siginfo, options int) error {
	*info = siginfo{}
	_, _, errno := unix.RawSyscall6(unix.SYS_WAITID, uintptr(kind), uintptr(id), uintptr(unsafe.Pointer(info)), uintptr(options), 0, 0)
	if errno != 0 {
		return errno
	}
	return nil
}
