package sockdiag

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// Positions in what SO_MEMINFO answers (SK_MEMINFO_DROPS of <linux/sock_diag.h>, since
// Linux 4.12).
const (
	memoryDrops = 8
	memoryWords = 9
)

// Drops is how many connections the kernel has dropped at a listening TCP socket since it
// was made, as ss -ltm shows them: the accept queue was full, mostly, and the client tries
// again later. The kernel counts in 32 bits. False: it is no such socket, or the kernel
// does not say; at a Unix socket clients wait or are refused instead, and are not counted.
func Drops(fd int) (uint64, bool) {
	family, err := option(fd, unix.SO_DOMAIN)
	if err != nil || family != unix.AF_INET && family != unix.AF_INET6 {
		return 0, false
	}
	if listens, err := option(fd, unix.SO_ACCEPTCONN); err != nil || listens == 0 {
		return 0, false
	}
	var memory [memoryWords]uint32
	size, err := nowait.Option(fd, unix.SOL_SOCKET, unix.SO_MEMINFO, &memory)
	if err != nil || size < 4*memoryWords {
		return 0, false
	}
	return uint64(memory[memoryDrops]), true
}
