package report

import (
	"encoding/binary"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// controlSize has room for all that can come with a datagram: the sender's
// credentials, its pidfd, and as many descriptors as one message may carry
// (SCM_MAX_FD, unix(7)). With less room a sender could crowd out its own
// pidfd, which the kernel writes last. The sizes are those of 64 bit, which
// are enough for 32.
const (
	headerSize      = 16
	maxFDs          = 253
	credentialsSize = headerSize + 16
	controlSize     = credentialsSize + (headerSize + 8) + (headerSize + (4*maxFDs+7)/8*8)
)

// readControl takes the sender from the control messages and closes all
// descriptors. It reports whether there were credentials; the sender's
// fields of m are set in any case.
//
// MSG_CTRUNC does not spoil a message: the kernel writes the credentials
// first, and sets the flag as well when availd has no descriptor left for a
// pidfd, which is no fault of the sender's.
func (s *Socket) readControl(m *Message) (known bool) {
	m.PID, m.UID, m.Inode = 0, 0, 0
	b := s.control[:s.msg.Controllen]
	for len(b) >= unix.SizeofCmsghdr {
		h, data, rest, err := unix.ParseOneSocketControlMessage(b)
		if err != nil {
			break
		}
		b = rest
		if h.Level != unix.SOL_SOCKET {
			continue
		}
		switch h.Type {
		case unix.SCM_CREDENTIALS:
			if len(data) >= unix.SizeofUcred {
				known = true
				m.PID = int(int32(binary.NativeEndian.Uint32(data)))
				m.UID = binary.NativeEndian.Uint32(data[4:])
			}
		case unix.SCM_PIDFD:
			m.Inode = s.inode(data)
			closeAll(data)
		case unix.SCM_RIGHTS:
			closeAll(data)
		}
	}
	return known
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

// closeAll closes the descriptors in the data of a control message. Errors
// of close are about what others wrote to them.
func closeAll(data []byte) {
	for ; len(data) >= 4; data = data[4:] {
		if fd := int(int32(binary.NativeEndian.Uint32(data))); fd >= 0 {
			_ = nowait.Close(fd)
		}
	}
}
