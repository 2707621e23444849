package sockdiag

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// part is one message of an answer.
func part(kind uint16, flags uint16, sequence uint32, payload string) []byte {
	order := binary.NativeEndian
	b := order.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(payload)))
	b = order.AppendUint16(order.AppendUint16(b, kind), flags)
	b = append(order.AppendUint32(b, sequence), 0, 0, 0, 0)
	b = append(b, payload...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// FuzzMessages reads any answer, all of its messages and their attributes: what is handed
// over lies within the answer, and the reading ends.
func FuzzMessages(base *testing.F) {
	f := testutil.Fuzz(base)
	const done = "\x00\x00\x00\x00"
	attributes := "\x08\x00\x00\x00/run" + "\x0c\x00\x04\x00\x01\x00\x00\x00\x02\x00\x00\x00"
	unixAnswer := string(make([]byte, unixMessageSize)) + attributes
	f.Add(append(part(unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, 1, unixAnswer), part(unix.NLMSG_DONE, 0, 1, done)...), uint16(4))
	f.Add(part(unix.SOCK_DIAG_BY_FAMILY, 0, 1, string(make([]byte, tcpMessageSize+260))), uint16(2))
	f.Add(part(unix.NLMSG_ERROR, 0, 1, "\xfe\xff\xff\xff"), uint16(0))
	f.Add(part(unix.NLMSG_DONE, unix.NLM_F_MULTI, 1, "\x00\x00\x00\x80"), uint16(0))
	f.Add(part(unix.SOCK_DIAG_BY_FAMILY, 0, 2, unixAnswer), uint16(0))
	f.Add(append(part(unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, 1, unixAnswer+"\x03\x00\x00\x00"), 1, 2, 3), uint16(0))
	f.Fuzz(func(t *testing.T, answer []byte, kind uint16) {
		c := &Conn{fd: -1, sequence: 1}
		n := copy(c.answer[:], answer)
		total := 0
		more, err := c.messages(c.answer[:n:n], func(m []byte) error {
			total += unix.SizeofNlMsghdr + len(m)
			if len(m) < 4 || total > n {
				t.Fatalf("%d bytes in messages of an answer of %d", total, n)
			}
			for from := range min(len(m), tcpMessageSize+1) {
				if value := attribute(m[from:], kind); value != nil && len(value) > len(m)-from-attrHeader {
					t.Fatalf("an attribute of %d bytes in %d", len(value), len(m)-from)
				}
			}
			if len(m) >= tcpMessageSize {
				var s TCPSocket
				s.read(attribute(m[tcpMessageSize:], infoNumber))
				if s.SinceReceived < 0 || s.SinceSent < 0 {
					t.Fatalf("%+v", s)
				}
				_, _ = source(unix.AF_INET, m[tcpSource:]), source(unix.AF_INET6, m[tcpSource:])
			}
			return nil
		})
		if more && err != nil {
			t.Fatalf("more after %v", err)
		}
	})
}
