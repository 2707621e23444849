package report

import (
	"encoding/binary"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
)

// Record is one report of a daemon of Postfix: struct MASTER_STATUS of its
// master_proto.h, three native integers of 32 bits, which master_notify writes to
// the status channel at once. All of it is what the writer claims.
type Record struct {
	PID        int
	Generation uint32
	Available  int // MASTER_STAT_TAKEN 0, MASTER_STAT_AVAIL 1; else nonsense
}

// recordSize is the length of a record on the channel.
const recordSize = 12

// maxRecords bounds one read. A daemon writes two for each client.
const maxRecords = 64

// Records are the records of one read. The zero value is ready for use.
type Records struct {
	// List is valid until the next read.
	List []Record
	// Rest is how many bytes at the end were no whole record. They are lost: a
	// daemon never writes a part of one.
	Rest int

	buf     [maxRecords * recordSize]byte
	control [controlSize]byte
}

// Read reads what waits on fd, our end of a status channel, and does not block.
// It returns [ErrEmpty] when nothing waits, and io.EOF when nobody holds the
// other end any more, or whoever does has shut it down: any holder can.
func (r *Records) Read(fd int) error {
	r.List, r.Rest = r.List[:0], 0
	for {
		n, err := r.recvmsg(fd)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return ErrEmpty
		case err != nil:
			return os.NewSyscallError("recvmsg", err)
		case n == 0:
			return io.EOF
		}
		r.parse(r.buf[:n])
		return nil
	}
}

// recvmsg has room for descriptors, which no daemon sends: without, the kernel would
// close them within the call, and how long that takes the sender decides. They are
// closed by another thread.
func (r *Records) recvmsg(fd int) (int, error) {
	vector := unix.Iovec{Base: &r.buf[0]}
	vector.SetLen(len(r.buf))
	m := unix.Msghdr{Iov: &vector, Control: &r.control[0]}
	m.SetIovlen(1)
	m.SetControllen(len(r.control))
	n, err := nowait.Recvmsg(fd, &m, unix.MSG_CMSG_CLOEXEC)
	if err == nil && m.Controllen > 0 {
		closeDescriptors(r.control[:m.Controllen])
	}
	return n, err
}

func (r *Records) parse(b []byte) {
	for ; len(b) >= recordSize; b = b[recordSize:] {
		r.List = append(r.List, Record{
			PID:        int(int32(binary.NativeEndian.Uint32(b))),
			Generation: binary.NativeEndian.Uint32(b[4:]),
			Available:  int(int32(binary.NativeEndian.Uint32(b[8:]))),
		})
	}
	r.Rest = len(b)
}
