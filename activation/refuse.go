package activation

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// File system types, from <linux/magic.h> and the kernel's ipc/mqueue.c and
// f_fs.c, of what a .socket unit can open besides sockets.
const (
	mqueueMagic      = 0x19800202
	functionFSMagic  = 0xa647361
	wrongKindOfThing = "no worker can accept from it"
)

// noSocket tells which line opened a descriptor that is neither a socket nor
// a FIFO.
func noSocket(fd int, name string, mode uint32) error {
	what, line := "is neither a socket nor a FIFO", ""
	switch mode {
	case unix.S_IFCHR, unix.S_IFBLK:
		what, line = "is a device", "ListenSpecial="
	case unix.S_IFREG:
		what, line = regularFile(fd)
	}
	return &Error{
		What: fmt.Sprintf("descriptor %q %s, and %s", name, what, wrongKindOfThing),
		Line: line,
		Hint: "take the line out of the unit, or serve it with a service of its own",
	}
}

func regularFile(fd int) (what, line string) {
	var fs unix.Statfs_t
	if unix.Fstatfs(fd, &fs) != nil {
		return "is a file", ""
	}
	switch uint32(fs.Type) {
	case mqueueMagic:
		return "is a message queue", "ListenMessageQueue="
	case functionFSMagic:
		return "is a USB endpoint", "ListenUSBFunction="
	case unix.PROC_SUPER_MAGIC, unix.SYSFS_MAGIC:
		return "is a special file", "ListenSpecial="
	}
	return "is a regular file", "OpenFile="
}

func wrongFamily(s Socket) error {
	if s.Family == unix.AF_NETLINK {
		return &Error{
			What: fmt.Sprintf("descriptor %q is a netlink socket, and %s", s.Name, wrongKindOfThing),
			Line: "ListenNetlink=",
			Hint: "take the line out of the unit, or serve it with a service of its own",
		}
	}
	return &Error{
		What: fmt.Sprintf("socket %q has address family %d, which availd does not know", s.Name, s.Family),
		Hint: "use an IP, Unix or VSOCK address in ListenStream=",
	}
}

// notListening explains a connection-oriented socket that is no listener.
// With Accept=yes systemd passes connections; one that was reset meanwhile
// has no peer any more and looks like a socket nobody called listen() on.
func notListening(fd int, name string) error {
	what := "is a stream socket that does not listen"
	if _, err := unix.Getpeername(fd); err == nil {
		what = "is a connection, not a listening socket"
	}
	return &Error{
		What: fmt.Sprintf("socket %q %s, so there is nothing to keep workers behind", name, what),
		Line: "Accept=yes",
		Hint: "set Accept=no in the socket unit; for programs that expect a connection use --protocol=inetd with it",
	}
}
