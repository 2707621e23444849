package inspect

import "golang.org/x/sys/unix"

// calls are the system calls in which a thread may be for long. A lock that processes
// have in common (fcntl(2), flock(2), semop(2)) is not among them: programs take turns at
// accepting by one, so that who waits for it may be the next to accept.
var calls = map[uintptr]what{
	unix.SYS_ACCEPT: accepts, unix.SYS_ACCEPT4: accepts,
	unix.SYS_POLL: polls, unix.SYS_PPOLL: polls,
	unix.SYS_SELECT: selects, unix.SYS_PSELECT6: selects,
	unix.SYS_EPOLL_WAIT: epolls, unix.SYS_EPOLL_PWAIT: epolls, unix.SYS_EPOLL_PWAIT2: epolls,

	unix.SYS_FUTEX: locks,

	unix.SYS_NANOSLEEP: nothing, unix.SYS_CLOCK_NANOSLEEP: nothing, unix.SYS_PAUSE: nothing,
	unix.SYS_RT_SIGSUSPEND: nothing, unix.SYS_RT_SIGTIMEDWAIT: nothing,
	unix.SYS_WAIT4: nothing, unix.SYS_WAITID: nothing,
	unix.SYS_READ: nothing, unix.SYS_READV: nothing, unix.SYS_PREAD64: nothing, unix.SYS_WRITE: nothing, unix.SYS_WRITEV: nothing,
	unix.SYS_RECVFROM: nothing, unix.SYS_RECVMSG: nothing, unix.SYS_RECVMMSG: nothing,
	unix.SYS_SENDTO: nothing, unix.SYS_SENDMSG: nothing, unix.SYS_CONNECT: nothing,
	unix.SYS_OPEN: nothing, unix.SYS_OPENAT: nothing, unix.SYS_OPENAT2: nothing, unix.SYS_STAT: nothing, unix.SYS_NEWFSTATAT: nothing,
	unix.SYS_FSYNC: nothing, unix.SYS_FDATASYNC: nothing,
}
