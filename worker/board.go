package worker

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"unsafe"
)

// A Board is this worker's place on the availability board: memory that the
// workers of a pool share with availd. Taking and finishing a job is a few
// instructions there instead of a datagram each, and availd sleeps through it.
// It is for workers that hold one client at a time.
//
// [Serve] and [HTTP] use it by themselves when it is offered. A worker with a
// loop of its own calls [JoinBoard] before [Ready], and then [Board.Take] and
// [Board.Free] in place of [Busy] and [Idle].
//
// A Board belongs to one goroutine at a time. How it works, for those who want
// to write it in another language, is in availd-worker(7).
type Board struct {
	memory []byte
	wake   int

	idle  *[BoardWords]uint64
	low   *uint64 // of our word
	call  *uint64
	turns *uint64
	word  int
	bit   uint64
}

// ErrNoBoard says that no board was offered to this process.
var ErrNoBoard = errors.New("worker: no board in the environment")

// JoinBoard takes the place that was offered to this process in
// AVAILD_BOARD_FD, AVAILD_WAKE_FD and AVAILD_SLOT, and says there that the
// worker is idle. The variables are removed and the descriptors are the Board's.
// Without an offer the error is [ErrNoBoard]. On any error nothing has changed,
// and the worker reports as if there were no boards.
func JoinBoard() (*Board, error) {
	b, fd, err := boardFromEnvironment()
	if err != nil {
		return nil, err
	}
	_ = syscall.Close(fd) // the mapping stays
	syscall.CloseOnExec(b.wake)
	for _, v := range []string{EnvBoardFD, EnvWakeFD, EnvSlot} {
		os.Unsetenv(v)
	}
	// In this order: who owns a line has been idle.
	atomic.OrUint64(&b.idle[b.word], b.bit)
	atomic.StoreUint64(b.line(BoardOwner), Generation())
	return b, nil
}

func boardFromEnvironment() (*Board, int, error) {
	if os.Getenv(EnvBoardFD) == "" {
		return nil, -1, ErrNoBoard
	}
	var numbers [3]int
	for i, name := range []string{EnvBoardFD, EnvWakeFD, EnvSlot} {
		n, err := strconv.ParseUint(os.Getenv(name), 10, 31)
		if err != nil {
			return nil, -1, fmt.Errorf("read %s: %q is not a number", name, os.Getenv(name))
		}
		numbers[i] = int(n)
	}
	b, err := mapBoard(numbers[0], numbers[1], numbers[2])
	return b, numbers[0], err
}

// mapBoard checks that fd is a board of the one version that is known here.
func mapBoard(fd, wake, slot int) (*Board, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, fmt.Errorf("look at the board: %w", os.NewSyscallError("fstat", err))
	}
	if st.Size < BoardSize || slot >= BoardSlots {
		return nil, errors.New("look at the board: it has no room for this worker")
	}
	memory, err := syscall.Mmap(fd, 0, BoardSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map the board: %w", os.NewSyscallError("mmap", err))
	}
	b := &Board{memory: memory, wake: wake, word: slot / 64, bit: 1 << (slot % 64)}
	if *b.at(0) != BoardMagic || *(*uint32)(unsafe.Pointer(&memory[8])) != BoardVersion {
		_ = syscall.Munmap(memory)
		return nil, errors.New("look at the board: it is of another version")
	}
	b.idle = (*[BoardWords]uint64)(unsafe.Pointer(&memory[BoardIdle]))
	b.low, b.call = b.at(BoardLow+8*b.word), b.at(BoardCall)
	b.turns = b.line(BoardTurns)
	return b, nil
}

func (b *Board) at(offset int) *uint64 { return (*uint64)(unsafe.Pointer(&b.memory[offset])) }

func (b *Board) line(field int) *uint64 {
	slot := 64*b.word + bits.TrailingZeros64(b.bit)
	return b.at(BoardLines + slot*BoardLine + field)
}

// Take says that this worker holds a job. Call it right after accept: until
// then availd believes that somebody is free.
func (b *Board) Take() {
	atomic.AddUint64(b.turns, 1)
	left := atomic.AndUint64(&b.idle[b.word], ^b.bit) &^ b.bit
	b.sink(uint64(bits.OnesCount64(left)))
	if left == 0 && b.allBusy() || b.called() {
		b.wakeAvaild()
	}
}

// finish says that the job is finished, and that no other will be taken.
func (b *Board) finish() { atomic.AddUint64(b.turns, 1) }

// Free says that the job is finished and this worker can take another.
func (b *Board) Free() {
	b.finish()
	atomic.OrUint64(&b.idle[b.word], b.bit)
	if b.called() {
		b.wakeAvaild()
	}
}

// Close gives up the memory and the eventfd. The bit stays as it is: availd
// takes it away when the process has ended.
func (b *Board) Close() error {
	return errors.Join(os.NewSyscallError("munmap", syscall.Munmap(b.memory)),
		os.NewSyscallError("close", syscall.Close(b.wake)))
}

// sink lowers the low-water mark of our word.
func (b *Board) sink(n uint64) {
	for {
		low := atomic.LoadUint64(b.low)
		if n >= low || atomic.CompareAndSwapUint64(b.low, low, n) {
			return
		}
	}
}

func (b *Board) allBusy() bool {
	for i := range b.idle {
		if atomic.LoadUint64(&b.idle[i]) != 0 {
			return false
		}
	}
	return true
}

// called reports whether availd wants to hear of the next change, whatever it
// is. One of those who make a change sees that.
func (b *Board) called() bool {
	return atomic.LoadUint64(b.call) != 0 && atomic.SwapUint64(b.call, 0) != 0
}

// wakeAvaild wakes availd. It does not block: a full eventfd (EAGAIN) has woken it.
func (b *Board) wakeAvaild() {
	one := (*[8]byte)(unsafe.Pointer(&ringOnce))
	_ = eintr(func() error { _, err := syscall.Write(b.wake, one[:]); return err })
}

var ringOnce uint64 = 1 // in the byte order of the machine
