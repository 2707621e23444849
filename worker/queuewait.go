//go:build !386 && !s390x

package worker

import (
	"syscall"
	"time"
	"unsafe"
)

// lastDataSent is the offset of tcpi_last_data_sent in struct tcp_info of <linux/tcp.h>.
const lastDataSent = 44

// queueWait is how long a TCP connection that was just accepted has waited for that: nothing
// was sent yet, and the kernel counts the time without, in milliseconds, from when the
// connection was made (tcp(7)). Of other sockets that is not known.
func queueWait(fd int) (wait time.Duration, known bool) {
	var info [lastDataSent + 4]byte
	size := uint32(len(info))
	_, _, errno := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.IPPROTO_TCP, syscall.TCP_INFO,
		uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	if errno != 0 || int(size) < len(info) {
		return 0, false
	}
	return time.Duration(*(*uint32)(unsafe.Pointer(&info[lastDataSent]))) * time.Millisecond, true
}
