package activation

import (
	"os"

	"golang.org/x/sys/unix"
)

// Renew puts a new socket of --listen in the place of one that is shut down for ever: at
// the same path, and under the same descriptor number. The old one lives on where other
// processes have it; take it out of every epoll set first. The path must be a dead
// socket's, or free. On error all is as before, but the dead path may be gone.
func (s *Socket) Renew() error {
	fresh, err := listenOn(s.Path, s.Name, false)
	if err != nil {
		return err
	}
	defer unix.Close(fresh.FD)
	flags, err := unix.FcntlInt(uintptr(s.FD), unix.F_GETFL, 0)
	if err == nil {
		err = unix.SetNonblock(fresh.FD, flags&unix.O_NONBLOCK != 0)
	}
	if err == nil {
		err = unix.Dup3(fresh.FD, s.FD, unix.O_CLOEXEC)
	}
	if err != nil {
		_ = fresh.Remove()
	} else {
		s.file = fresh.file
	}
	return os.NewSyscallError("dup3", err)
}
