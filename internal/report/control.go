package report

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// controlSize has room for all that can come with a datagram: its time, the sender's
// credentials, its pidfd, and as many descriptors as one message may carry
// (SCM_MAX_FD, unix(7)). With less room a sender could crowd out its own
// pidfd, which the kernel writes last. The sizes are those of 64 bit, which
// are enough for 32.
const (
	headerSize      = 16
	maxFDs          = 253
	credentialsSize = headerSize + 16
	timeSize        = headerSize + 16
	controlSize     = timeSize + credentialsSize + (headerSize + 8) + (headerSize + (4*maxFDs+7)/8*8)
)

// readControl takes the sender from the control messages. It reports whether there
// were credentials; the sender's fields of m are set in any case. Descriptors of the
// sender are never looked at, and closed by another thread, as the sender decides how
// long that takes; a pidfd is closed here, as that is the kernel's own.
//
// MSG_CTRUNC does not spoil a message: the kernel writes the credentials
// first, and sets the flag as well when availd has no descriptor left for a
// pidfd, which is no fault of the sender's.
func (s *Socket) readControl(m *Message) (known bool) {
	m.PID, m.UID, m.Inode, m.Sent, m.Descriptors = 0, 0, 0, 0, false
	messages(s.control[:s.msg.Controllen], func(kind int32, data []byte) {
		switch kind {
		case unix.SCM_CREDENTIALS:
			if len(data) >= unix.SizeofUcred {
				known = true
				m.PID = int(int32(binary.NativeEndian.Uint32(data)))
				m.UID = binary.NativeEndian.Uint32(data[4:])
			}
		case unix.SCM_TIMESTAMPNS:
			m.Sent = nanoseconds(data)
		case unix.SCM_PIDFD:
			m.Inode = s.inode(data)
			each(data, func(fd int) { _ = nowait.Close(fd) })
		case unix.SCM_RIGHTS:
			m.Descriptors = true
			each(data, nowait.CloseElsewhere)
		}
	})
	return known
}

// nanoseconds reads a struct timespec of the size that the architecture has.
func nanoseconds(data []byte) int64 {
	order := binary.NativeEndian
	switch len(data) {
	case 16:
		return int64(order.Uint64(data))*1e9 + int64(order.Uint64(data[8:]))
	case 8:
		return int64(int32(order.Uint32(data)))*1e9 + int64(int32(order.Uint32(data[4:])))
	default:
		return 0
	}
}

// closeDescriptors has the descriptors closed that came with a record.
func closeDescriptors(b []byte) {
	messages(b, func(kind int32, data []byte) {
		if kind == unix.SCM_RIGHTS {
			each(data, nowait.CloseElsewhere)
		}
	})
}

// messages visits the control messages of the socket level.
func messages(b []byte, visit func(kind int32, data []byte)) {
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			return
		}
		b = rest
		if h.Level == unix.SOL_SOCKET {
			visit(h.Type, data)
		}
	}
}

// inode returns the number of a pidfd, 0 when it has none. The kernel may
// send a negative error in place of the descriptor.
func (s *Socket) inode(data []byte) uint64 {
	if !s.pidfs || len(data) < 4 {
		return 0
	}
	fd := int(int32(binary.NativeEndian.Uint32(data)))
	if fd < 0 || nowait.Stat(fd, &s.stat) != nil {
		return 0
	}
	return uint64(s.stat.Ino)
}

// each visits the descriptors in the data of a control message. The kernel may send
// a negative error in place of one.
func each(data []byte, visit func(fd int)) {
	for ; len(data) >= 4; data = data[4:] {
		if fd := int(int32(binary.NativeEndian.Uint32(data))); fd >= 0 {
			visit(fd)
		}
	}
}
