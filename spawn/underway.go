package spawn

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// MaxUnderWay bounds the starts whose command is not executed yet. It also bounds
// the memory that they take.
const MaxUnderWay = 64

// keepSlots is how many blocks of memory are kept for the starts to come. What a
// burst has needed beyond them is given back.
const keepSlots = 4

// underWay are the starts whose command is not executed yet. The lock is for
// programs with more than one pool; availd has one.
var underWay struct {
	sync.Mutex
	slots []*slot
}

// slot is the memory of one start.
type slot struct {
	block
	child *child        // nil = the slot is free
	path  string        // of the command
	found *unix.Statx_t // what the child knows of that file, if it has failed
}

// isOver reports whether the child has executed the command or has ended.
func (s *slot) isOver() bool { return atomic.LoadUint32(&s.child.pending) == 0 }

// release makes the slot free.
func (s *slot) release() {
	s.child, s.found, s.path = nil, nil, ""
	free := 0
	for i, other := range underWay.slots {
		if other.child != nil {
			continue
		}
		if free++; free > keepSlots {
			other.unmap()
			underWay.slots = append(underWay.slots[:i], underWay.slots[i+1:]...)
			return
		}
	}
}

// freeSlot returns a slot without a child, nil if there are too many with one. The
// caller holds the lock.
func freeSlot() *slot {
	for _, s := range underWay.slots {
		if s.child == nil {
			return s
		}
	}
	if len(underWay.slots) == MaxUnderWay {
		return nil
	}
	s := &slot{}
	underWay.slots = append(underWay.slots, s)
	return s
}

// Executed reports whether the start of p is over: its command is executed, or the
// error says why it could not be, and the process has ended or is about to. A
// [*CommandError] says that the command is at fault; any other error that the system
// was short of something, or does not allow this way to start a worker, so that the
// next start takes another. It returns at once. From the moment it returns true it
// has forgotten the start, and the files of its [Handover] may be closed.
func (p Process) Executed() (over bool, err error) {
	underWay.Lock()
	defer underWay.Unlock()
	s := p.slot()
	if s == nil {
		return true, nil
	}
	if !s.isOver() {
		return false, nil
	}
	err = s.failure()
	s.release()
	if errors.Is(err, errCannot) {
		direct.Store(false)
	}
	return true, err
}

// slot is that of the start of p, nil if that is over. The caller holds the lock.
func (p Process) slot() *slot {
	for _, s := range underWay.slots {
		if s.child != nil && s.isOf(p.PID) {
			return s
		}
	}
	return nil
}

// errCannot says that a worker cannot be started directly here.
var errCannot = errors.New("no direct starts here")

// startError names the call that was refused. Calls that the kernel does not
// know, or with a flag that it does not know, and calls that a filter of system
// calls holds back (seccomp(2)), are no fault of this start.
func startError(name string, errno error) error {
	if errors.Is(errno, unix.ENOSYS) || errors.Is(errno, unix.EINVAL) || errors.Is(errno, unix.EPERM) {
		return fmt.Errorf("%w: %s: %w", errCannot, name, errno)
	}
	return fmt.Errorf("start worker process: %s: %w", name, errno)
}

// shortages are the errors of execve(2) that say nothing about the command: it may
// be executed when something is there again, or (ETXTBSY, ESTALE and the like) when
// whoever is replacing its file, or serves it, has finished.
var shortages = []unix.Errno{
	unix.EAGAIN, unix.ENOMEM, unix.EMFILE, unix.ENFILE, unix.ENOSPC, unix.EDQUOT, unix.ENOBUFS, unix.EINTR, unix.EBUSY,
	unix.ETXTBSY, unix.EIO, unix.ESTALE, unix.ETIMEDOUT, unix.EHOSTDOWN, unix.EHOSTUNREACH, unix.ENOTCONN, unix.EREMOTEIO,
}

func isShortage(errno unix.Errno) bool {
	for _, e := range shortages {
		if e == errno {
			return true
		}
	}
	return false
}
