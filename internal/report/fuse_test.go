package report_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/testutil"
)

// neverFlushed opens a file of a file system in user space that does not answer the
// FLUSH of close(2), and returns it with a channel that is closed when one was asked
// for. The end of the test ends the file system, and every close with it.
func neverFlushed(t *testing.T) (fd int, flushed <-chan struct{}) {
	t.Helper()
	testutil.Root(t)
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no file systems in user space: ", err)
	}
	dir := t.TempDir()
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device)
	must(t, unix.Mount("test", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options))
	asked := make(chan struct{})
	go serveFUSE(device, asked)
	fd, err = unix.Open(filepath.Join(dir, "f"), unix.O_RDWR|unix.O_CLOEXEC, 0)
	must(t, err)
	t.Cleanup(func() {
		// MNT_FORCE aborts the connection: what waits for an answer gets an error, and so
		// does who reads the device, which a close alone would not end.
		_ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH)
		_ = unix.Close(device)
	})
	return fd, asked
}

// serveFUSE answers what an open needs, by the structures of <linux/fuse.h>.
func serveFUSE(device int, flushed chan<- struct{}) {
	const lookup, getattr, open, opInit, release, flush, forget, interrupt, batchForget = 1, 3, 14, 26, 18, 25, 2, 36, 42
	le := binary.NativeEndian
	attr := func(inode uint64, mode uint32) []byte {
		b := le.AppendUint64(nil, inode)
		b = append(b, make([]byte, 5*8+3*4)...)
		for _, n := range []uint32{mode, 1, 0, 0, 0, 512, 0} {
			b = le.AppendUint32(b, n)
		}
		return b
	}
	buf := make([]byte, 1<<17)
	for {
		n, err := unix.Read(device, buf)
		if errors.Is(err, unix.EINTR) || errors.Is(err, unix.ENOENT) {
			continue
		}
		if err != nil || n < 24 {
			return
		}
		opcode, unique, node := le.Uint32(buf[4:]), le.Uint64(buf[8:]), le.Uint64(buf[16:])
		var out []byte
		failure := int32(0)
		switch opcode {
		case opInit:
			for _, n := range []uint32{7, 31, 0, 0, 12 | 9<<16, 4096, 1, 1} {
				out = le.AppendUint32(out, n)
			}
			out = append(out, make([]byte, 64-len(out))...)
		case lookup:
			for _, n := range []uint64{2, 0, 1000, 1000, 0} {
				out = le.AppendUint64(out, n)
			}
			out = append(out, attr(2, unix.S_IFREG|0o666)...)
		case getattr:
			mode := uint32(unix.S_IFREG | 0o666)
			if node == 1 {
				mode = unix.S_IFDIR | 0o777
			}
			out = append(le.AppendUint64(le.AppendUint64(nil, 1000), 0), attr(node, mode)...)
		case open:
			out = make([]byte, 16)
			out[0] = 1
		case flush:
			close(flushed)
			flushed = make(chan struct{}, 1)
			continue
		case forget, interrupt, batchForget:
			continue
		case release:
		default:
			failure = -int32(unix.ENOSYS)
		}
		answer := le.AppendUint32(nil, uint32(16+len(out)))
		answer = le.AppendUint64(le.AppendUint32(answer, uint32(failure)), unique)
		_, _ = unix.Write(device, append(answer, out...))
	}
}

// TestReceiveDoesNotHang: a descriptor whose close never returns holds up nobody: it is
// refused, or another thread closes it.
func TestReceiveDoesNotHang(t *testing.T) {
	reads := func(t *testing.T, s *report.Socket, want int) {
		t.Helper()
		must(t, send(s.Address(), []byte("X_AVAILD_DONE=7")))
		got := make(chan report.Message)
		go func() {
			var m report.Message
			for range want {
				_ = s.Receive(&m)
			}
			got <- m
		}()
		select {
		case m := <-got:
			if m.Done != 7 {
				t.Errorf("got %+v", m)
			}
		case <-time.After(30 * time.Second):
			t.Error("the reader hangs")
		}
	}
	if refuses(t) {
		fd, _ := neverFlushed(t)
		s := listen(t, "")
		if err := send(s.Address(), []byte("BARRIER=1"), fd); !errors.Is(err, unix.EPERM) {
			t.Errorf("sent with %v, want EPERM", err)
		}
		reads(t, s, 1)
		go unix.Close(fd)
	}
	before616(t, func(t *testing.T, s *report.Socket) {
		fd, flushed := neverFlushed(t)
		must(t, send(s.Address(), []byte("BARRIER=1"), fd))
		reads(t, s, 2)
		select {
		case <-flushed:
		case <-time.After(30 * time.Second):
			t.Error("it was not closed: this test has tried nothing")
		}
		go unix.Close(fd)
	})
}
