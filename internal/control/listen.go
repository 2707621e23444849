package control

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/sockdiag"
)

// backlog is how many connections may wait while this process is started or replaced.
const backlog = 128

// Socket is the control socket at a path of availd's own. Its descriptor can be handed to
// another image of this process, so that there is no moment without it.
type Socket struct {
	FD   int // raw, close-on-exec, the holder's
	file sockdiag.File
}

// Remove unlinks the path, unless another socket has it by now.
func (s *Socket) Remove() error { return s.file.Remove() }

// Listen opens the control socket at path. Only the service's own user and root
// may connect: who can reload can replace workers. A socket that is left over
// from an earlier availd of this service is replaced.
func Listen(path string) (*Socket, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		_ = unix.Close(fd)
		return nil, &os.PathError{Op: "bind", Path: path, Err: err}
	}
	s := &Socket{FD: fd, file: sockdiag.FileAt(path)}
	err = os.Chmod(path, 0o600)
	if err == nil {
		err = s.listen()
	}
	if err != nil {
		_ = unix.Close(fd)
		_ = s.Remove()
		return nil, err
	}
	return s, nil
}

// Adopt takes the control socket over that an earlier image had at path. On error fd stays
// the caller's: it is not that socket, or somebody else's has its path by now.
func Adopt(fd int, path string) (*Socket, error) {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, os.NewSyscallError("getsockname", err)
	}
	if at, ok := name.(*unix.SockaddrUnix); !ok || at.Name != path {
		return nil, errors.New("it is bound to another path than " + path)
	}
	s := &Socket{FD: fd, file: sockdiag.FileOf(fd, path)}
	if s.file == (sockdiag.File{}) {
		return nil, errors.New("its path " + path + " is gone, or another socket's")
	}
	unix.CloseOnExec(fd)
	return s, s.listen()
}

// listen also shortens or lengthens the queue of a socket that listens already. Nobody has
// a descriptor to send here, and closing one may hang the goroutine that reads the request.
func (s *Socket) listen() error {
	if err := nowait.RefuseDescriptors(s.FD); err != nil {
		return err
	}
	return os.NewSyscallError("listen", unix.Listen(s.FD, backlog))
}

// removeStale removes a socket that nobody listens on. Only a refusal proves
// that: one whose queue is full (EAGAIN) is alive.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil // absent, or bind will say what is wrong
	}
	file := sockdiag.FileAt(path) // who comes in between keeps his
	probe, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(probe)
	switch err := unix.Connect(probe, &unix.SockaddrUnix{Name: path}); {
	case errors.Is(err, unix.ECONNREFUSED):
		return file.Remove()
	case err == nil, errors.Is(err, unix.EAGAIN):
		return errors.New("listen on " + path + ": another availd answers there")
	default:
		return &os.PathError{Op: "connect", Path: path, Err: err}
	}
}
