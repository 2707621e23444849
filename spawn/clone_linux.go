//go:build linux && (amd64 || arm64)

package spawn

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

const canClone = true

// child is what the new process has in common with its parent. It is at the
// beginning of a block, where the addresses in it point to as well.
type child struct {
	flags, stack uintptr  // of clone(2)
	all, mask    uint64   // every signal; those that the parent's thread had blocked
	places       uintptr  // addresses where the child writes its pid, and a 0
	calls        uintptr  // list of [call]; the last one is execve
	digits       [24]byte // scratch for the pid
	pid          int64    // of the child, or a negative errno
	pidfd        int32
	failed       int64   // negative errno of the call that failed
	refused      uintptr // number of that call
}

// bear clones this process, and returns when the child has executed the command
// or has ended. The child shares the parent's memory until then, and the
// parent's thread is suspended (CLONE_VM and CLONE_VFORK of clone(2)), like in
// vfork(2): there is no page table to be copied. So what runs in the child must
// not be Go: it is one loop over a list of system calls, in assembly.
//
//go:noescape
func bear(c *child)

// nursery is where births are prepared. The lock is for programs with more than
// one pool; availd has one.
var nursery struct {
	sync.Mutex
	block
}

// stackSize is for a stack that the child does not use: it makes no call.
const stackSize = 1 << 10

// clone gives birth to a worker directly. errCannot says that the kernel, or a
// filter of system calls, does not allow that way.
func (c *Command) clone(generation uint64, stress bool, h Handover) (Process, error) {
	nursery.Lock()
	defer nursery.Unlock()
	kid, err := c.conceive(&nursery.block, generation, stress, h)
	if err != nil {
		return Process{}, fmt.Errorf("start worker process: %w", err)
	}
	bear(kid)
	switch {
	case kid.pid < 0:
		return Process{}, birthError("clone", unix.Errno(-kid.pid))
	case kid.failed != 0:
		return Process{}, c.stillborn(kid)
	default:
		return Process{PID: int(kid.pid), FD: int(kid.pidfd)}, nil
	}
}

// conceive writes all that the child needs into the block.
func (c *Command) conceive(b *block, generation uint64, stress bool, h Handover) (*child, error) {
	argv, env, calls := c.argv(stress), c.environ(generation, stress, h), c.maxCalls(h)
	size := int(unsafe.Sizeof(child{})) + calls*int(unsafe.Sizeof(call{})) + fixedSize + len(c.Path) +
		vectorSize(argv, 0) + vectorSize(env, len(h.PIDs)) + vectorSize(h.PIDs, 0) + len(h.PIDs)*maxPID
	if err := b.renew(size); err != nil {
		return nil, err
	}
	kid := (*child)(unsafe.Pointer(unsafe.SliceData(b.take(int(unsafe.Sizeof(child{}))))))
	*kid = child{flags: unix.CLONE_VM | unix.CLONE_VFORK | unix.CLONE_FILES | unix.CLONE_PIDFD | uintptr(unix.SIGCHLD), all: 1<<64 - 1}
	stack := b.words(stackSize / wordSize)
	kid.stack = (address(stack) + stackSize) &^ 15
	places, says := b.words(len(h.PIDs)+1), make([]uintptr, len(h.PIDs))
	kid.places = address(places)
	for i, name := range h.PIDs {
		says[i] = b.text(name+"=", maxPID)
		places[i] = says[i] + uintptr(len(name)+1)
	}
	list := callList{block: b, list: unsafe.Slice((*call)(unsafe.Pointer(unsafe.SliceData(b.words(calls*callWords)))), calls)[:0]}
	kid.calls = address(list.list)
	c.instruct(&list, h, b.text(c.Path, 0), b.vector(argv), b.vector(env, says...))
	return kid, nil
}

const (
	maxPID    = 20      // digits of a 64-bit number
	fixedSize = 4 << 10 // the stack, alignments, and what all children are told
)

// errCannot says that a worker cannot be born this way here.
var errCannot = errors.New("spawn: no direct births here")

// birthError names the call that was refused. Calls that the kernel does not
// know, or with a flag that it does not know, and calls that a filter of system
// calls holds back (seccomp(2)), are no fault of this birth.
func birthError(name string, errno unix.Errno) error {
	if errno == unix.ENOSYS || errno == unix.EINVAL || errno == unix.EPERM {
		return errCannot
	}
	return fmt.Errorf("start worker process: %s: %w", name, errno)
}

// stillborn collects a child that could not execute the command, and says why.
func (c *Command) stillborn(kid *child) error {
	_ = retry(func() error { _, err := unix.Wait4(int(kid.pid), nil, 0, nil); return err })
	_ = unix.Close(int(kid.pidfd))
	errno := unix.Errno(-kid.failed)
	if kid.refused != unix.SYS_EXECVE {
		return birthError(callNames[kid.refused], errno)
	}
	if err := Check(c.Path); err != nil {
		return err
	}
	if errno == unix.ENOENT { // the file is there, so it is what the file names
		return &CommandError{Path: c.Path, Err: fmt.Errorf("its interpreter: %w", errno)}
	}
	return &CommandError{Path: c.Path, Err: errno}
}
