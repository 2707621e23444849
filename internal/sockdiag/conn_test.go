package sockdiag

import (
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// message is one of the kernel's, in answer to question 7.
func message(kind, flags uint16, payload ...uint32) []byte {
	b, order := make([]byte, unix.SizeofNlMsghdr), binary.NativeEndian
	for _, word := range payload {
		b = order.AppendUint32(b, word)
	}
	order.PutUint32(b[0:], uint32(len(b)))
	order.PutUint16(b[4:], kind)
	order.PutUint16(b[6:], flags)
	order.PutUint32(b[8:], 7)
	return b
}

// TestMessages: an answer is whole, or it is an error; half a list of connections
// would be one that misses some.
func TestMessages(t *testing.T) {
	entry := message(unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_MULTI, 1)
	errno := func(e unix.Errno) uint32 { return uint32(-int32(e)) }
	for _, test := range []struct {
		name  string
		parts [][]byte
		seen  int
		more  bool
		err   error
	}{
		{"one", [][]byte{message(unix.SOCK_DIAG_BY_FAMILY, 0, 1)}, 1, false, nil},
		{"not the last part", [][]byte{entry, entry}, 2, true, nil},
		{"the end", [][]byte{entry, message(unix.NLMSG_DONE, unix.NLM_F_MULTI, 0)}, 1, false, nil},
		{"an end for want of memory", [][]byte{entry, message(unix.NLMSG_DONE, unix.NLM_F_MULTI, errno(unix.ENOMEM))}, 1, false, unix.ENOMEM},
		{"a kernel without tcp_diag", [][]byte{message(unix.NLMSG_DONE, unix.NLM_F_MULTI, errno(unix.ENOENT))}, 0, false, ErrNotThere},
		{"refused", [][]byte{message(unix.NLMSG_ERROR, 0, errno(unix.EPERM))}, 0, false, unix.EPERM},
		{"cut off", [][]byte{entry, entry[:12]}, 1, false, errStrange},
		{"of another kind", [][]byte{message(99, 0, 1)}, 0, false, errStrange},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := New()
			c.sequence = 7
			var b []byte
			for _, p := range test.parts {
				b = append(b, p...)
			}
			seen := 0
			more, err := c.messages(b, func([]byte) error { seen++; return nil })
			if more != test.more || !errors.Is(err, test.err) || seen != test.seen {
				t.Errorf("%d seen, more %t, %v; want %d, %t, %v", seen, more, err, test.seen, test.more, test.err)
			}
		})
	}
}
