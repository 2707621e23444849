package daemon

import (
	"errors"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/spawn"
)

// caught are the signals that availd receives; what it does is in SIGNALS of
// availd(8). Go's runtime would end the process by some of them, with the stacks of all
// goroutines, and leave the workers behind. It drops all others that are not here, but
// for those of job control and the ones that a fault of the program raises (ILL, TRAP,
// BUS, FPE, SEGV, SYS, STKFLT), and for 32 to 34, which belong to C libraries and cannot be
// caught in Go: they end availd as a crash, after which the workers live.
//
// Those that people take for "reopen the logs" or "leave now", according to program, are
// caught to be said.
var caught = append([]os.Signal{unix.SIGHUP, unix.SIGUSR2, unix.SIGPIPE, unix.SIGUSR1, unix.SIGALRM}, stopSignals()...)

func stopSignals() (list []os.Signal) {
	for _, sig := range loop.StopSignals {
		list = append(list, sig)
	}
	return list
}

// signals are those that were received, and what is known of how availd was started.
type signals struct {
	received chan os.Signal
	// ends says that SIGHUP means the end where its terminal is gone: availd has a
	// controlling terminal, no service manager, and was not started by nohup(1).
	ends bool
	hung bool // it has meant that
	// ignored says that it was ignored at the start, as by nohup(1).
	ignored bool
}

// catchSignals receives signals from now on. They are looked at when there is a
// loop: until then they would end a start, or an image that was executed, the way
// they end any program, and nobody would ask the workers to leave. SIGPIPE is received
// and dropped: a write to a closed pipe is an error like any other.
func catchSignals() signals {
	s := signals{received: make(chan os.Signal, 16), ignored: signal.Ignored(unix.SIGHUP)}
	s.ends = !s.ignored && os.Getenv("NOTIFY_SOCKET") == "" && procfs.HasTerminal(os.Getpid())
	signal.Notify(s.received, caught...)
	return s
}

// handOn has the next image of this process find what this one has found.
func (s *signals) handOn() (undo func()) {
	if !s.ignored {
		return func() {}
	}
	signal.Ignore(unix.SIGHUP)
	return func() { signal.Notify(s.received, unix.SIGHUP) }
}

func (s *signals) release() { signal.Stop(s.received) }

// prepareForStrangers has dead children reported where some may not be workers. Elsewhere
// each death of a worker would wake a thread for nothing.
func (d *daemon) prepareForStrangers() error {
	strangers := spawn.IsReaper()
	if hasChildren() {
		children, _ := procfs.Children(os.Getpid())
		for _, pid := range children {
			strangers = strangers || !d.handed && !d.adopted[pid]
		}
	}
	if !strangers {
		return spawn.IgnoreSIGCHLD()
	}
	signal.Notify(d.signals.received, unix.SIGCHLD)
	d.loop.Signal(unix.SIGCHLD) // for those that are dead already
	return nil
}

// hasChildren reports whether there is any, which one call tells (waitid(2)): to list them takes
// some for each thread, and as a rule there is none at a start.
func hasChildren() bool {
	return !errors.Is(unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT|unix.WALL, nil), unix.ECHILD)
}

// hearDeaths has dead children reported or not. A system that refuses it has refused Go's
// runtime its handlers before.
func (d *daemon) hearDeaths(on bool) {
	if on {
		_ = spawn.HearSIGCHLD()
	} else {
		_ = spawn.IgnoreSIGCHLD()
	}
}

// forwardSignals hands them to the loop, from the one goroutine that takes them.
func (d *daemon) forwardSignals() {
	for received := range d.signals.received {
		sig := received.(syscall.Signal)
		switch {
		case sig == unix.SIGPIPE:
			continue
		case sig == unix.SIGHUP && d.signals.hangsUp():
			sig = unix.SIGTERM
			event.Log(d.log, event.TerminalGone)
		case sig == unix.SIGABRT && os.Getenv("WATCHDOG_USEC") != "":
			// The service manager sends it to a process that does not feed its watchdog
			// (WatchdogSignal= of systemd.service(5)). That one is to be replaced, not to
			// stop the service: its workers live, and the next availd adopts them, also
			// where it was only frozen for a while and could do as it is told.
			signal.Reset(unix.SIGABRT)
			_ = unix.Kill(os.Getpid(), unix.SIGABRT)
			continue
		}
		d.loop.Signal(sig)
	}
}

// The kernel sends SIGHUP when it takes the terminal away from the session, and in one
// of the two cases a moment before (disassociate_ctty of drivers/tty/tty_jobctrl.c).
const (
	terminalWait  = 10 * time.Millisecond
	terminalTries = 100 // on a busy machine the moment was 0.3 s
)

// hangsUp reports whether SIGHUP says that the terminal is gone, for the first time.
// One that is there means that somebody has sent the signal for a reload.
func (s *signals) hangsUp() bool {
	if !s.ends || s.hung {
		return false
	}
	for range terminalTries {
		if !procfs.HasTerminal(os.Getpid()) {
			s.hung = true
			return true
		}
		time.Sleep(terminalWait)
	}
	return false
}

// StopSignals are those that stop availd.
func StopSignals() []os.Signal { return stopSignals() }
