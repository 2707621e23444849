package spawn

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// Wait collects a worker whose pidfd is readable; false: it has not ended, or
// how is not known (yet). It waits for exactly that pid, so that it cannot take
// the status of any other child. The pid may be used again from the moment Wait
// returns true. Why a command could not be executed [Process.Executed] says, which
// has to be asked before.
//
// A worker that was adopted after a crash is not a child: its parent, the
// service manager, collects it, and the pidfd tells how it ended a moment after
// it became readable, on Linux 6.15 and later.
func (p Process) Wait() (policy.End, bool, error) {
	var status unix.WaitStatus
	pid := 0
	err := retry(func() (err error) {
		pid, err = nowait.Reap(p.PID, &status)
		return err
	})
	switch {
	case errors.Is(err, unix.ECHILD):
		var known bool
		if status, known = exitStatus(p.FD); !known {
			return policy.End{}, false, nil
		}
	case err != nil:
		return policy.End{}, false, os.NewSyscallError("wait4", err)
	case pid == 0:
		return policy.End{}, false, nil
	}
	_, _ = p.Executed() // the number may be that of another start soon
	if status.Signaled() {
		return policy.End{Signal: int(status.Signal())}, true, nil
	}
	return policy.End{Code: status.ExitStatus()}, true, nil
}

// Signal sends sig to the worker alone. That it has ended meanwhile is not an
// error.
func (p Process) Signal(sig unix.Signal) error {
	err := unix.PidfdSendSignal(p.FD, sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return nil
	}
	return os.NewSyscallError("pidfd_send_signal", err)
}

// SignalGroup sends sig to the worker and to all that it started in its process
// group. It must not be called after Wait returned true: the number might be
// another's by then.
func (p Process) SignalGroup(sig unix.Signal) error {
	if p.Alone {
		return p.Signal(sig)
	}
	err := unix.PidfdSendSignal(p.FD, sig, nil, pidfdSignalProcessGroup)
	if errors.Is(err, unix.EINVAL) && !p.ended() { // Linux before 6.9
		err = unix.Kill(-p.PID, sig)
	}
	if err != nil {
		return p.Signal(sig) // it has left its group, or has ended
	}
	return nil
}

const pidfdSignalProcessGroup = 1 << 2

// ended reports whether the process is dead: an adopted one's number may be
// another's by now.
func (p Process) ended() bool {
	n, err := nowait.Poll([]unix.PollFd{{Fd: int32(p.FD), Events: unix.POLLIN}})
	return err == nil && n > 0
}

// Close gives the pidfd back. The process is not touched.
func (p Process) Close() error { return unix.Close(p.FD) }

func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}
