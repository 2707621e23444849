// Package reap ends the workers that outlived a stop of their service. With
// KillMode=process systemd leaves them alone, which is what lets them survive a
// crash of availd; but after a stop they would hold the port, and the socket
// could not be started again.
//
// It is for ExecStopPost= of the service, and of the socket: a stop that comes
// while the service waits for its automatic restart runs the socket's alone.
// After a crash, and while the service has a main process, it touches nobody.
//
// # Diagnostics
//
// A cgroup that cannot be read is an error. A process that ends by itself
// meanwhile is not.
package reap

import (
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/cgroup"
)

// Patience is the time between SIGTERM and SIGKILL.
const Patience = 10 * time.Second

// crashes are the values of SERVICE_RESULT (systemd.exec(5)) after which the
// service is started again, and adopts.
var crashes = []string{"exit-code", "signal", "core-dump", "watchdog", "oom-kill"}

// Run ends what is left in the cgroup of the service whose ExecStopPost= this
// process is, and returns how many processes that were.
func Run(getenv func(string) string) (int, error) {
	if slices.Contains(crashes, getenv("SERVICE_RESULT")) {
		return 0, nil
	}
	unit, err := cgroup.Own()
	if err == nil && !stopped(unit, getenv) {
		err = fmt.Errorf("%s is not being stopped", unit.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("%w; availd reap is for ExecStopPost= only", err)
	}
	left, err := leftOver(unit.Service())
	if err != nil || len(left) == 0 {
		return 0, err
	}
	return len(left), end(left, Patience)
}

// stopped reports whether this is a command of the unit's stop. In a service
// SERVICE_RESULT says so; whoever types the command in a shell there, of cron or of an
// sshd, is not to end all others. In a socket there are only its own commands.
func stopped(unit cgroup.Unit, getenv func(string) string) bool {
	return strings.HasSuffix(unit.Name, ".socket") || getenv("SERVICE_RESULT") != ""
}

// process is one of the left-over; the pidfd keeps it from being taken for
// another.
type process struct{ pid, fd int }

// leftOver lists the processes of the group but this one, its parents and other
// commands of availd: the socket's and the service's reap run side by side.
// While the service has a main process, nobody is left over.
func leftOver(unit cgroup.Unit) ([]process, error) {
	pids, err := unit.Members()
	if err != nil {
		return nil, err
	}
	mine := ancestry(os.Getpid())
	var left []process
	for _, pid := range pids {
		if slices.Contains(mine, pid) || isManagers(pid) {
			continue
		}
		switch role(pid) {
		case "":
		case "run":
			closeAll(left)
			return nil, nil
		default:
			continue
		}
		if fd, err := unix.PidfdOpen(pid, 0); err == nil {
			left = append(left, process{pid, fd})
		}
	}
	return left, nil
}

// end asks all to leave, waits for so long, and kills those that did not. Whoever
// would be cut off by being asked has half of the time to be done. SIGTERM for this
// process says that the service manager's own patience is over: then all are killed.
func end(left []process, patience time.Duration) error {
	defer closeAll(left)
	defer killOnTERM(left)()
	begin := time.Now()
	signalAll(left, unix.SIGCONT) // availd may have died while it looked at stopped ones
	polite, abrupt, looker := divide(left)
	signalAll(polite, unix.SIGTERM)
	if looker != nil {
		endFree(looker, abrupt, begin.Add(patience/2))
		signalAll(abrupt, unix.SIGTERM)
	}
	if awaitAll(left, begin.Add(patience)) {
		return nil
	}
	signalAll(left, unix.SIGKILL)
	if !awaitAll(left, time.Now().Add(Patience)) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// killOnTERM kills all on the first SIGTERM. After undo it does not any more, and
// the descriptors are the caller's alone.
func killOnTERM(left []process) (undo func()) {
	term, over := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(term, unix.SIGTERM)
	go func() {
		defer close(over)
		if _, received := <-term; received {
			signalAll(left, unix.SIGKILL)
		}
	}()
	return func() {
		signal.Stop(term)
		close(term)
		<-over
	}
}

func signalAll(left []process, sig unix.Signal) {
	for _, p := range left {
		_ = unix.PidfdSendSignal(p.fd, sig, nil, 0)
	}
}

// awaitAll reports whether all have ended by then.
func awaitAll(left []process, by time.Time) bool {
	for _, p := range left {
		for {
			fds := []unix.PollFd{{Fd: int32(p.fd), Events: unix.POLLIN}}
			n, err := unix.Poll(fds, int(max(0, time.Until(by).Milliseconds())))
			if err == unix.EINTR {
				continue
			}
			if n == 0 {
				return false
			}
			break
		}
	}
	return true
}

func closeAll(left []process) {
	for _, p := range left {
		_ = unix.Close(p.fd)
	}
}
