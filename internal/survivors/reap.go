package survivors

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
)

// Patience is the time between SIGTERM and SIGKILL.
const Patience = 10 * time.Second

// SIGKILL waits longer while a core dump is being written, which is looked at every
// dumpPause.
const (
	dumpPatience = 2 * time.Minute
	dumpPause    = 100 * time.Millisecond
)

// anyDumps reports whether the kernel is writing a core dump of one of them.
func anyDumps(left []quiesce.Process) bool {
	return slices.ContainsFunc(left, func(p quiesce.Process) bool { return procfs.DumpsCore(p.PID) })
}

// crashes are the values of SERVICE_RESULT (systemd.exec(5)) after which the
// service is started again, and adopts.
var crashes = []string{"exit-code", "signal", "core-dump", "watchdog", "oom-kill"}

// Reap ends what is left in the cgroup of the service whose ExecStopPost= this
// process is, and returns how many processes that were.
func Reap(getenv func(string) string) (int, error) {
	unit, err := procfs.OwnUnit()
	if slices.Contains(crashes, getenv("SERVICE_RESULT")) && !(err == nil && killedByStop(unit.Name, getenv)) {
		return 0, nil
	}
	if err == nil && !stopped(unit, getenv) {
		err = fmt.Errorf("%s is not being stopped", unit.Name)
	}
	if err != nil {
		return 0, fmt.Errorf("%w; availd reap is for ExecStopPost= only", err)
	}
	left, err := leftOver(unit.Service())
	if err == nil && len(left) > 0 {
		err = end(left, Patience)
	}
	if strings.HasSuffix(unit.Name, ".socket") {
		err = errors.Join(err, makeAnew(unit.Name))
	}
	return len(left), err
}

// stopped reports whether this is a command of the unit's stop. In a service
// SERVICE_RESULT says so; whoever types the command in a shell there, of cron or of an
// sshd, is not to end all others. In a socket there are only its own commands.
func stopped(unit procfs.Unit, getenv func(string) string) bool {
	return strings.HasSuffix(unit.Name, ".socket") || getenv("SERVICE_RESULT") != ""
}

// leftOver lists the processes of the group but this one, its parents and other
// commands of availd: the socket's and the service's reap run side by side.
// While the service has a main process, nobody is left over.
func leftOver(unit procfs.Unit) ([]quiesce.Process, error) {
	pids, err := unit.Members()
	if err != nil {
		return nil, err
	}
	mine := ancestry(os.Getpid())
	var left []quiesce.Process
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
			left = append(left, quiesce.Process{PID: pid, FD: fd})
		}
	}
	return left, nil
}

// end asks all to retire, waits for so long, and kills those that did not. Whoever
// would be cut off by being asked has half of the time to be done. SIGTERM for this
// process says that the service manager's own patience is over: then all are killed.
func end(left []quiesce.Process, patience time.Duration) error {
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
	for bound := time.Now().Add(dumpPatience); anyDumps(left) && time.Now().Before(bound); {
		if awaitAll(left, time.Now().Add(dumpPause)) {
			return nil
		}
	}
	signalAll(left, unix.SIGKILL)
	if !awaitAll(left, time.Now().Add(Patience)) {
		return os.ErrDeadlineExceeded
	}
	return nil
}

// killOnTERM kills all on the first SIGTERM. After undo it does not any more, and
// the descriptors are the caller's alone.
func killOnTERM(left []quiesce.Process) (undo func()) {
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
