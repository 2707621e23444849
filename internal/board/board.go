// Package board is availd's side of the availability board: memory that it
// shares with the workers of one pool, in which each says by one bit whether it
// is idle, so that a request costs no datagram and wakes nobody.
//
// The bits are the only truth. Who takes a job clears its bit, and writes to an
// eventfd if no bit is left; who has finished sets it, and tells nobody. So
// availd hears when the last idle worker is gone. That one is idle again it
// finds out when it looks, at the latest before it would start a worker.
// availd-worker(7) is the specification, with the workers' side; the model in
// the tests shows that no interleaving of the two, deaths included, loses the
// news that everybody is busy.
//
// Workers can write what they like. So the memory is sealed, which makes a
// truncation and with it a SIGBUS impossible; what is read is a bit of a living
// worker or a number that is only ever compared; every loop is bounded; and
// bits that are nobody's are taken away; and no flag of the eventfd, which they share,
// decides whether a read of it waits. It is not thread-safe; it knows no
// processes and no policy.
//
// # Diagnostics
//
// Errors go to the caller, who does without a board, as before Linux 5.8. Panic: a slot that the
// board has no room for.
package board

import (
	"encoding/binary"
	"errors"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/worker"
)

// Slots is how many workers a board has room for. It is fixed, and what is not
// used costs no memory.
const Slots = worker.BoardSlots

const words = worker.BoardWords

// seals: nobody can change the size any more, nor take that back. Without
// F_SEAL_SHRINK a worker could kill availd by a truncation (SIGBUS, mmap(2)).
const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL

// ErrForeign says that a descriptor is not a board, or is damaged.
var ErrForeign = errors.New("board: not a board of availd, or damaged")

// Board is the mapped board. It belongs to one goroutine.
type Board struct {
	fd, wake int
	memory   []byte
	idle     *[words]uint64
	low      *[words]uint64
	call     *uint64

	counted      [words]uint64 // slots of workers that may be available
	seen         [words]uint64 // by the latest Look
	dip          int           // found by the latest Look
	freed, taken []int
	counter      [8]byte
}

// Create makes an empty board and its eventfd, both close-on-exec and the
// Board's. On error nothing is left open.
func Create() (*Board, error) {
	fd, err := unix.MemfdCreate("availd.board", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	b := &Board{fd: fd, wake: -1}
	if err := b.create(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Board) create() (err error) {
	if err := unix.Ftruncate(b.fd, worker.BoardSize); err != nil {
		return os.NewSyscallError("ftruncate", err)
	}
	if _, err := unix.FcntlInt(uintptr(b.fd), unix.F_ADD_SEALS, seals); err != nil {
		return os.NewSyscallError("fcntl F_ADD_SEALS", err)
	}
	if b.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		b.wake = -1
		return os.NewSyscallError("eventfd", err)
	}
	if err := b.checkWake(); err != nil {
		return err
	}
	if err := b.mapMemory(); err != nil {
		return err
	}
	copy(b.memory, header())
	for i := range b.low {
		b.low[i] = lowest
	}
	return nil
}

// header is what workers check first.
func header() []byte {
	h := binary.NativeEndian.AppendUint64(nil, worker.BoardMagic)
	for _, n := range []uint32{worker.BoardVersion, words, worker.BoardLines, worker.BoardLine} {
		h = binary.NativeEndian.AppendUint32(h, n)
	}
	return h
}

// Adopt maps the board of an earlier availd, and takes over both descriptors,
// also on error, when they are closed.
func Adopt(fd, wake int) (*Board, error) {
	b := &Board{fd: fd, wake: wake}
	if err := b.adopt(); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

func (b *Board) adopt() error {
	var st unix.Stat_t
	if err := unix.Fstat(b.fd, &st); err != nil {
		return os.NewSyscallError("fstat", err)
	}
	if has, err := unix.FcntlInt(uintptr(b.fd), unix.F_GET_SEALS, 0); err != nil || has&seals != seals || st.Size != worker.BoardSize {
		return ErrForeign
	}
	unix.CloseOnExec(b.fd)
	unix.CloseOnExec(b.wake)
	if err := unix.SetNonblock(b.wake, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	if err := b.checkWake(); err != nil {
		return err
	}
	if err := b.mapMemory(); err != nil {
		return err
	}
	if string(b.memory[:len(header())]) != string(header()) {
		return ErrForeign
	}
	return nil
}

func (b *Board) mapMemory() (err error) {
	if b.memory, err = unix.Mmap(b.fd, 0, worker.BoardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	b.idle = (*[words]uint64)(unsafe.Pointer(&b.memory[worker.BoardIdle]))
	b.low = (*[words]uint64)(unsafe.Pointer(&b.memory[worker.BoardLow]))
	b.call = (*uint64)(unsafe.Pointer(&b.memory[worker.BoardCall]))
	return nil
}

// FD is the descriptor of the memory, WakeFD that of the eventfd. Both stay b's.
func (b *Board) FD() int     { return b.fd }
func (b *Board) WakeFD() int { return b.wake }

// Close gives all of it up; take the eventfd out of every epoll set first.
func (b *Board) Close() {
	if b.memory != nil {
		_ = unix.Munmap(b.memory)
		b.memory = nil
	}
	for _, fd := range []int{b.fd, b.wake} {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// ClearWake takes back all wake events so far. Look after it, not before. Workers share the
// eventfd, so any of them may have cleared its O_NONBLOCK, or have read it.
func (b *Board) ClearWake() {
	_, _ = nowait.ReadShared(b.wake, b.counter[:])
}

// checkWake finds out whether the eventfd can be read without a wait, which its
// O_NONBLOCK alone does not warrant. It takes back the wake events so far.
func (b *Board) checkWake() error {
	_, err := nowait.ReadShared(b.wake, b.counter[:])
	if err == nil || errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
		return nil
	}
	return os.NewSyscallError("preadv2", err)
}

// WakeOnChange asks to be woken at the next change, or takes that back. Look after it:
// a change before may have gone unnoticed.
func (b *Board) WakeOnChange(on bool) {
	var word uint64
	if on {
		word = 1
	}
	atomic.StoreUint64(b.call, word)
}
