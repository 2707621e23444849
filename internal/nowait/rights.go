package nowait

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// RefuseDescriptors has the kernel refuse descriptors that somebody sends to a Unix
// socket (EPERM for the sender), and to connections of a listener, since Linux 6.16:
// whoever receives one has to close it, and how long that takes, even the exit of a
// process that holds it, the sender decides. Before that, and with sockets of another
// family, it does nothing.
func RefuseDescriptors(fd int) error {
	err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PASSRIGHTS, 0)
	if errors.Is(err, unix.ENOPROTOOPT) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil
	}
	return os.NewSyscallError("setsockopt", err)
}
