//go:build linux && (amd64 || arm64)

package spawn

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// haveClone: this architecture has the assembly of [cloneChild].
const haveClone = true

// child is what the new process has in common with its parent. It is at the
// beginning of a block, where the addresses in it point to as well.
type child struct {
	clone     call     // clone(2)
	all, mask uint64   // every signal; those that the parent's thread had blocked
	places    uintptr  // addresses where the child writes its pid, and a 0
	calls     uintptr  // list of [call]; the last one is execve
	question  call     // what the child asks when one of them has failed: statx(2) of the command
	answer    int64    // 0, or a negative errno
	digits    [24]byte // scratch for the pid
	pid       int64    // of the child, or a negative errno
	pidfd     int32
	pending   uint32  // 0 when the child has executed the command or has ended
	failed    int64   // negative errno of the call that failed
	refused   uintptr // number of that call
}

// cloneChild clones this process. The child shares the parent's memory until it has
// executed the command or has ended (CLONE_VM of clone(2)): there is no page table
// to be copied. So what runs in the child must not be Go: it is one loop over a list
// of system calls, in assembly. The kernel writes pending when the memory is not
// shared any more (CLONE_CHILD_CLEARTID).
//
//go:noescape
func cloneChild(c *child)

// cloneFlags. The parent does not wait for the exec (CLONE_VFORK): how long that
// takes is decided by whoever serves the command's file, a dead NFS server or a
// FUSE or fanotify process that does not answer. The table of descriptors is shared
// until the child's first call but one gives it one of its own (see takeFiles), so
// that nothing is copied which is not handed over.
const cloneFlags = unix.CLONE_VM | unix.CLONE_FILES | unix.CLONE_PIDFD | unix.CLONE_CHILD_CLEARTID | uintptr(unix.SIGCHLD)

// stackSize is for a stack that the child does not use: it makes no call.
const stackSize = 1 << 10

func cloneCall(b *block, ch *child) call {
	stack := (address(b.words(stackSize/wordSize+2)) + 15) &^ 15
	pidfd, pending := uintptr(unsafe.Pointer(&ch.pidfd)), uintptr(unsafe.Pointer(&ch.pending))
	if runtime.GOARCH == "arm64" { // which has the place for thread-local storage before that for the child's tid
		return call{unix.SYS_CLONE, [6]uintptr{cloneFlags, stack + stackSize, pidfd, 0, pending}}
	}
	return call{unix.SYS_CLONE, [6]uintptr{cloneFlags, stack + stackSize, pidfd, pending}}
}

// clone starts a worker directly. errCannot says that the kernel, or a filter of
// system calls, does not allow that way.
func (c *Command) clone(generation uint64, stress bool, h Handover) (Process, error) {
	if err := canUnshare(); err != nil {
		return Process{}, startError("close_range", err)
	}
	underWay.Lock()
	defer underWay.Unlock()
	s := freeSlot()
	if s == nil {
		return Process{}, fmt.Errorf("start worker process: %w: the commands of %d others are not executed yet", unix.EAGAIN, MaxUnderWay)
	}
	if err := c.prepare(s, generation, stress, h); err != nil {
		return Process{}, fmt.Errorf("start worker process: %w", err)
	}
	cloneChild(s.child)
	if s.child.pid < 0 {
		errno := unix.Errno(-s.child.pid)
		s.release()
		return Process{}, startError("clone", errno)
	}
	s.path = c.Path
	return Process{PID: int(s.child.pid), FD: int(s.child.pidfd)}, nil
}

// canUnshare reports why the child could not get a table of descriptors of its own:
// close_range(2) with the two flags that it needs is Linux 5.11. The numbers of this
// question are those of no descriptor.
var canUnshare = sync.OnceValue(func() error {
	const none = 1<<32 - 1
	err := unix.CloseRange(none, none, unix.CLOSE_RANGE_CLOEXEC)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EPERM) {
		return err
	}
	return nil // what is short now may be there later
})

// prepare writes all that the child needs into the slot's block.
func (c *Command) prepare(s *slot, generation uint64, stress bool, h Handover) error {
	argv, env, calls := c.argv(stress), c.environ(generation, stress, h), c.maxCalls(h)
	size := int(unsafe.Sizeof(child{})) + calls*int(unsafe.Sizeof(call{})) + fixedSize + len(c.Path) +
		vectorSize(argv, 0) + vectorSize(env, len(h.PIDs)) + vectorSize(h.PIDs, 0) + len(h.PIDs)*maxPID
	b := &s.block
	if err := b.renew(size); err != nil {
		return err
	}
	ch := (*child)(unsafe.Pointer(unsafe.SliceData(b.take(int(unsafe.Sizeof(child{}))))))
	*ch = child{all: 1<<64 - 1, pending: 1}
	ch.clone = cloneCall(b, ch)
	places, says := b.words(len(h.PIDs)+1), make([]uintptr, len(h.PIDs))
	ch.places = address(places)
	for i, name := range h.PIDs {
		says[i] = b.text(name+"=", maxPID)
		places[i] = says[i] + uintptr(len(name)+1)
	}
	list := callList{block: b, list: unsafe.Slice((*call)(unsafe.Pointer(unsafe.SliceData(b.words(calls*callWords)))), calls)[:0]}
	ch.calls = address(list.list)
	path := b.text(c.Path, 0)
	c.instruct(&list, h, path, b.vector(argv), b.vector(env, says...))
	s.found = (*unix.Statx_t)(unsafe.Pointer(unsafe.SliceData(b.words(int(unsafe.Sizeof(unix.Statx_t{})) / wordSize))))
	ch.question = call{unix.SYS_STATX, [6]uintptr{atCWD, path, 0, unix.STATX_TYPE, uintptr(unsafe.Pointer(s.found))}}
	s.child = ch
	return nil
}

const (
	maxPID    = 20      // digits of a 64-bit number
	fixedSize = 4 << 10 // the stack, the answer of statx, alignments, and what all children are told
)

// failure says why the child, which has ended, could not execute the command. It is
// the child that has looked for the command's file: whoever looks may wait for long.
func (s *slot) failure() error {
	ch := s.child
	errno := unix.Errno(-ch.failed)
	switch {
	case ch.failed == 0:
		return nil
	case ch.refused != unix.SYS_EXECVE:
		return startError(callNames[ch.refused], errno)
	case isShortage(errno):
		return fmt.Errorf("start worker process: execute %s: %w", s.path, errno)
	case errno == unix.ENOENT && ch.answer == 0: // the file is there, so it is what the file names
		return &CommandError{Path: s.path, Err: fmt.Errorf("its interpreter: %w", errno)}
	case errno == unix.EACCES && ch.answer == 0 && s.found.Mode&unix.S_IFMT == unix.S_IFDIR:
		errno = unix.EISDIR
	}
	return &CommandError{Path: s.path, Err: errno}
}

// isOf reports whether the slot is that of the start of pid.
func (s *slot) isOf(pid int) bool { return s.child.pid == int64(pid) }
