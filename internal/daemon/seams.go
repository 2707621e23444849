package daemon

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/accept"
	"github.com/availd/availd/internal/backlog"
	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/logs"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

func (d *daemon) loopConfig() loop.Config {
	c := loop.Config{
		Name: d.cfg.Name, Version: d.options.Version, Unit: unitName(), Protocol: string(d.cfg.Protocol),
		ReportFD: d.reportFD(), Board: d.board, PerConnection: d.isInetd(), DescendantsReport: d.cfg.NotifyAccess == "all",
		Settings: d.settings(d.cfg),
	}
	for _, s := range d.sockets.Workers {
		c.Sockets = append(c.Sockets, loop.Socket{FD: s.FD, Name: s.Name, Address: s.Address})
	}
	if period, on, err := notify.Watchdog(os.Getenv, os.Getpid()); err != nil {
		d.log.Warn(err.Error()+", ignoring", "event", "internal")
	} else if on {
		c.Watchdog = period / 2
	}
	return c
}

// prepareBirths makes what births need of the configuration.
func (d *daemon) prepareBirths() {
	d.command = &spawn.Command{
		Ahead: d.isInetd(), Session: quiesces(d.cfg), Path: d.path, Args: d.cfg.Command[1:], Environ: os.Environ(),
		IgnoreSIGPIPE: d.options.IgnoreSIGPIPE, Descriptors: d.options.Descriptors,
	}
	d.handover = d.listenersHandover()
}

func (d *daemon) seams() loop.Seams {
	return loop.Seams{
		Now: monotonic, Wall: time.Now, Log: d.log,
		Start: d.start, Accept: acceptConn,
		Signal: signalWorker, Look: d.look, Wait: waitWorker,
		Receive: d.receive, Ancestor: report.Vouched, Depth: d.depth.read,
		Ready:    func(line string) { d.complain(d.notifier.SendStatus("READY=1", line)) },
		Status:   d.notifier.Status,
		Beat:     func() { d.tell("WATCHDOG=1") },
		Stopping: d.stopping,
		Reloading: func() {
			d.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
		},
		Flush: func() bool {
			d.complain(d.notifier.Flush())
			return d.notifier.Pending()
		},
		Reconfigure: d.reconfigure,
		Keep:        d.keeper(),
		Trial:       d.trial,
		Execute:     d.execute,
	}
}

func (d *daemon) start(generation uint64, stress bool, slot int, c *loop.Conn) (loop.Process, error) {
	if d.isPostfix() {
		return d.startPostfix(generation, stress)
	}
	h := d.handover
	switch {
	case c != nil:
		h = connHandover(c)
	case d.board != nil && slot >= 0 && slot < board.Slots:
		h = d.withBoard(h, slot)
	}
	p, err := d.bear(generation, stress, h)
	if d.reports != nil {
		d.reports.Doubt()
	}
	return loop.Process{PID: p.PID, FD: p.FD}, err
}

// bear says once if workers cannot be born as they are elsewhere.
func (d *daemon) bear(generation uint64, stress bool, h spawn.Handover) (spawn.Process, error) {
	p, err := d.command.Start(generation, stress, h)
	if why := d.command.Detour; why != nil {
		d.command.Detour = nil
		d.log.Info("workers are started by way of another image of availd, which takes longer: "+why.Error()+
			"; see SystemCallFilter= of the unit, or take Linux 5.11 or later", logs.Event, "internal")
	}
	return p, err
}

func acceptConn(fd int) (loop.Conn, error) {
	c, err := accept.Accept(fd)
	if errors.Is(err, accept.ErrNone) {
		err = loop.ErrNoConn
	}
	return loop.Conn{FD: c.FD, Address: c.Address, Port: c.Port, Source: c.Source}, err
}

// stopGrace is what the service manager waits longer than --stop-timeout: for
// the kills at its end.
const stopGrace = 10 * time.Second

// stopping asks for the time that the drain may take, whatever TimeoutStopSec=
// says (EXTEND_TIMEOUT_USEC of sd_notify(3); it only ever adds). Asked again, it is
// for what is left of that.
func (d *daemon) stopping(line string) {
	now := monotonic()
	if d.stopEnds == 0 {
		d.stopEnds = now + d.cfg.StopTimeout + stopGrace
	}
	d.complain(d.notifier.SendStatus(fmt.Sprintf("STOPPING=1\nEXTEND_TIMEOUT_USEC=%d",
		max(d.stopEnds-now, time.Second).Microseconds()), line))
}

// tell sends a message to the service manager. It is gone without notice only
// when the manager is, and then nobody reads the journal either.
func (d *daemon) tell(state string) { d.complain(d.notifier.Send(state)) }

func (d *daemon) complain(err error) {
	if err != nil {
		d.log.Warn("the service manager cannot be told: "+err.Error()+", proceeding", "event", "internal")
	}
}

func signalWorker(p loop.Process, sig unix.Signal, group bool) error {
	w := spawn.Process{PID: p.PID, FD: p.FD}
	if group {
		return w.SignalGroup(sig)
	}
	return w.Signal(sig)
}

func waitWorker(p loop.Process) (policy.End, bool, error) {
	end, ended, err := spawn.Process{PID: p.PID, FD: p.FD}.Wait()
	return policy.End{Code: end.Code, Signal: end.Signal}, ended, err
}

// catchSignals receives signals from now on. They are looked at when there is a
// loop: until then they would end a start, or an image that was executed, the way
// they end any program, and nobody would ask the workers to leave. SIGPIPE is received
// and dropped: a write to a closed pipe is an error like any other.
func catchSignals() chan os.Signal {
	received := make(chan os.Signal, 16)
	signal.Notify(received, unix.SIGTERM, unix.SIGINT, unix.SIGHUP, unix.SIGUSR2, unix.SIGPIPE)
	return received
}

// forwardSignals hands them to the loop, from the one goroutine that takes them.
func (d *daemon) forwardSignals(received <-chan os.Signal) {
	for sig := range received {
		if sig != unix.SIGPIPE {
			d.loop.Signal(sig.(syscall.Signal))
		}
	}
}

// depthReader reads accept queues.
type depthReader struct{ *backlog.Reader }

func newDepthReader() *depthReader { return &depthReader{backlog.NewReader()} }

// read never fails: what cannot be read is unknown.
func (r *depthReader) read(fd int) loop.Depth {
	depth, err := r.Depth(fd)
	if err != nil {
		return loop.Depth{Waiting: -1, Limit: -1}
	}
	return loop.Depth{Waiting: depth.Waiting, Limit: depth.Limit, Readable: depth.Readable}
}
