package spawn

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// trampoline starts a worker by way of another image of availd (Linux
// 5.4 for the pidfd at clone). It waits until that image is executed, whose file is
// availd's own.
func (c *Command) trampoline(generation uint64, stress bool, h Handover) (Process, error) {
	null, err := unix.Open(os.DevNull, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Process{}, os.NewSyscallError("open "+os.DevNull, err)
	}
	defer func() { _ = unix.Close(null) }()
	pidfd := -1
	attr := &syscall.ProcAttr{
		Env:   append(c.environ(generation, stress, h), becoming{c.IgnoreSIGPIPE, len(h.Files), h.PIDs}.variable()),
		Files: h.files(null),
		Sys:   &syscall.SysProcAttr{Setpgid: !c.Session, Setsid: c.Session, PidFD: &pidfd},
	}
	pid, err := syscall.ForkExec("/proc/self/exe", append([]string{becomeName, c.Path}, c.argv(stress)...), attr)
	if err != nil {
		return Process{}, os.NewSyscallError("start worker process", err)
	}
	if pidfd < 0 {
		return Process{}, withoutPidfd(pid)
	}
	unix.CloseOnExec(pidfd)
	return Process{PID: pid, FD: pidfd}, nil
}

// withoutPidfd ends a child that could not be watched: a worker whose end goes
// unnoticed would hold its slot for ever.
func withoutPidfd(pid int) error {
	_ = unix.Kill(pid, unix.SIGKILL)
	_ = retry(func() error { _, err := unix.Wait4(pid, nil, 0, nil); return err })
	return errors.New("start worker process: the kernel gave no pidfd (Linux 5.4 is needed)")
}
