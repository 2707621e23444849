//go:build linux && (amd64 || arm64)

package spawn

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

const firstWay = clearing

// child is what the new process has in common with its parent. It is at the
// beginning of a block, where the addresses in it point to as well.
type child struct {
	birth     call     // clone(2) or clone3(2)
	all, mask uint64   // every signal; those that the parent's thread had blocked
	places    uintptr  // addresses where the child writes its pid, and a 0
	calls     uintptr  // list of [call]; the last one is execve
	digits    [24]byte // scratch for the pid
	pid       int64    // of the child, or a negative errno
	pidfd     int32
	unborn    uint32  // 0 when the child has executed the command or has ended
	failed    int64   // negative errno of the call that failed
	refused   uintptr // number of that call
}

// bear clones this process. The child shares the parent's memory until it has
// executed the command or has ended (CLONE_VM of clone(2)), like in vfork(2):
// there is no page table to be copied. So what runs in the child must not be Go:
// it is one loop over a list of system calls, in assembly. The kernel writes
// unborn when the memory is not shared any more (CLONE_CHILD_CLEARTID).
//
//go:noescape
func bear(c *child)

// nursery is where births are prepared. The lock is for programs with more than
// one pool; availd has one.
var nursery struct {
	sync.Mutex
	cradles []*cradle
}

// cradle is the memory of one birth.
type cradle struct {
	block
	kid *child // of the last birth; nil = there was none
}

// vacant returns a cradle whose child has left it, nil if there are too many
// that have not. The caller holds the lock.
func vacant() *cradle {
	for _, c := range nursery.cradles {
		if c.kid == nil || atomic.LoadUint32(&c.kid.unborn) == 0 {
			return c
		}
	}
	if len(nursery.cradles) == maxCradles {
		return nil
	}
	c := &cradle{}
	nursery.cradles = append(nursery.cradles, c)
	return c
}

// maxCradles bounds the births that are under way at a time.
const maxCradles = 32

// Where the parent waits for the exec, the child need not have descriptors of its
// own before; where it does not, it goes on to close what it has handed over.
const (
	waiting = unix.CLONE_VFORK | unix.CLONE_FILES
	common  = unix.CLONE_VM | unix.CLONE_PIDFD | unix.CLONE_CHILD_CLEARTID
)

// clone gives birth to a worker directly. errCannot says that the kernel, or a
// filter of system calls, does not allow that way.
func (c *Command) clone(w way, generation uint64, stress bool, h Handover) (Process, error) {
	nursery.Lock()
	defer nursery.Unlock()
	cradle := vacant()
	if cradle == nil {
		return Process{}, fmt.Errorf("start worker process: %w: %d others are not born yet", unix.EAGAIN, maxCradles)
	}
	cradle.kid = nil
	wait := c.waits()
	kid, err := c.conceive(&cradle.block, w, wait, generation, stress, h)
	if err != nil {
		return Process{}, fmt.Errorf("start worker process: %w", err)
	}
	bear(kid)
	switch {
	case kid.pid < 0:
		return Process{}, birthError("clone", unix.Errno(-kid.pid))
	case wait && kid.failed != 0:
		return Process{}, c.stillborn(kid)
	}
	if !wait { // the child does it too; but a signal for its group must not be one for ours, already now
		_ = unix.Setpgid(int(kid.pid), 0)
	}
	cradle.kid, c.bore, c.crowd = kid, true, int(kid.pidfd)
	return Process{PID: int(kid.pid), FD: int(kid.pidfd)}, nil
}

// conceive writes all that the child needs into the block.
func (c *Command) conceive(b *block, w way, wait bool, generation uint64, stress bool, h Handover) (*child, error) {
	argv, env, calls := c.argv(stress), c.environ(generation, stress, h), c.maxCalls(h)
	size := int(unsafe.Sizeof(child{})) + calls*int(unsafe.Sizeof(call{})) + fixedSize + len(c.Path) +
		vectorSize(argv, 0) + vectorSize(env, len(h.PIDs)) + vectorSize(h.PIDs, 0) + len(h.PIDs)*maxPID
	if err := b.renew(size); err != nil {
		return nil, err
	}
	kid := (*child)(unsafe.Pointer(unsafe.SliceData(b.take(int(unsafe.Sizeof(child{}))))))
	*kid = child{all: 1<<64 - 1, unborn: 1}
	kid.birth = birthCall(b, kid, w, wait)
	places, says := b.words(len(h.PIDs)+1), make([]uintptr, len(h.PIDs))
	kid.places = address(places)
	for i, name := range h.PIDs {
		says[i] = b.text(name+"=", maxPID)
		places[i] = says[i] + uintptr(len(name)+1)
	}
	list := callList{block: b, list: unsafe.Slice((*call)(unsafe.Pointer(unsafe.SliceData(b.words(calls*callWords)))), calls)[:0]}
	kid.calls = address(list.list)
	c.instruct(&list, w, h, b.text(c.Path, 0), b.vector(argv), b.vector(env, says...))
	return kid, nil
}

const (
	maxPID    = 20      // digits of a 64-bit number
	fixedSize = 4 << 10 // the stack, alignments, and what all children are told
)

// errCannot says that a worker cannot be born this way here.
var errCannot = errors.New("no direct births here")

// birthError names the call that was refused. Calls that the kernel does not
// know, or with a flag that it does not know, and calls that a filter of system
// calls holds back (seccomp(2)), are no fault of this birth.
func birthError(name string, errno unix.Errno) error {
	if errno == unix.ENOSYS || errno == unix.EINVAL || errno == unix.EPERM {
		return fmt.Errorf("%w: %s: %w", errCannot, name, errno)
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
	if err := check(c.Path); err != nil {
		return err
	}
	if errno == unix.ENOENT { // the file is there, so it is what the file names
		return &CommandError{Path: c.Path, Err: fmt.Errorf("its interpreter: %w", errno)}
	}
	return &CommandError{Path: c.Path, Err: errno}
}
