package sockdiag

import (
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// tcp reads TCP_INFO. For a listener tcpi_unacked is the length of the accept
// queue and tcpi_sacked its limit (tcp_get_info in the kernel, since Linux
// 2.6.24); for any other state they mean something else. MPTCP answers for
// its listening subflow.
func (r *Reader) tcp(fd int) (waiting, limit int, ok bool) {
	size, err := nowait.Option(fd, unix.IPPROTO_TCP, unix.TCP_INFO, &r.info)
	// An SCTP listener has no TCP_INFO. A kernel that knows fewer fields
	// says so in size; those needed are among the first.
	if err != nil || uintptr(size) < unsafe.Offsetof(r.info.Lost) || r.info.State != tcpListen {
		return 0, 0, false
	}
	return int(r.info.Unacked), int(r.info.Sacked), true
}
