//go:build amd64 || arm64

package spawn

import (
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// cloneArgs is the kernel's struct clone_args (clone3(2)), as long as it was at
// first.
type cloneArgs struct {
	flags, pidfd, childTID, parentTID, exitSignal, stack, stackSize, tls uint64
}

// stackSize is for a stack that the child does not use: it makes no call.
const stackSize = 1 << 10

// birthCall is the call that makes the child.
func birthCall(b *block, kid *child, w way, wait bool) call {
	stack := (address(b.words(stackSize/wordSize+2)) + 15) &^ 15
	flags := uintptr(common)
	if wait {
		flags |= waiting
	}
	pidfd, unborn := uintptr(unsafe.Pointer(&kid.pidfd)), uintptr(unsafe.Pointer(&kid.unborn))
	if w == clearing {
		a := (*cloneArgs)(unsafe.Pointer(unsafe.SliceData(b.words(int(unsafe.Sizeof(cloneArgs{})) / wordSize))))
		*a = cloneArgs{
			flags: uint64(flags | unix.CLONE_CLEAR_SIGHAND), pidfd: uint64(pidfd), childTID: uint64(unborn),
			exitSignal: uint64(unix.SIGCHLD), stack: uint64(stack), stackSize: stackSize,
		}
		return call{unix.SYS_CLONE3, [6]uintptr{uintptr(unsafe.Pointer(a)), unsafe.Sizeof(*a)}}
	}
	c := call{unix.SYS_CLONE, [6]uintptr{flags | uintptr(unix.SIGCHLD), stack + stackSize, pidfd, unborn}}
	if runtime.GOARCH == "arm64" { // which has the place for thread-local storage before that for the child's tid
		c.arguments[3], c.arguments[4] = 0, unborn
	}
	return c
}
