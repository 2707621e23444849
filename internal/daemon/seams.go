package daemon

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/spawn"
)

func (d *daemon) loopConfig() loop.Config {
	c := loop.Config{
		Name: d.cfg.Name, Version: d.options.Version, Unit: unitName(), Protocol: d.cfg.Protocol.Name,
		ReportFD: d.reportFD(), ReportQueue: report.Queue(), Board: d.board, History: d.history, Preload: d.object != "" && d.board != nil, PerConnection: d.cfg.Protocol.PerConnection, DescendantsReport: d.cfg.NotifyAccess == "all",
		Settings: d.settings(d.cfg),
	}
	c.Changes, c.Ceilings = d.setsSaid, append(c.Ceilings, d.storeWarnings()...)
	for _, s := range d.sockets.Workers {
		listens := s.Kind == activation.Stream || s.Kind == activation.SeqPacket
		c.Sockets = append(c.Sockets, loop.Socket{FD: s.FD, Name: s.Name, Address: s.Address, Listens: listens})
	}
	if period, on, err := notify.Watchdog(os.Getenv, os.Getpid()); err != nil {
		event.Log(d.log, event.WatchdogIgnored, event.Cause(err))
	} else if on {
		c.Watchdog = period / 2
	}
	return c
}

// prepareStarts makes what starts need of the configuration.
func (d *daemon) prepareStarts() {
	d.command = &spawn.Command{
		Session: quiesces(d.cfg), Path: d.path, Args: d.cfg.Command[1:], Environ: os.Environ(),
		IgnoreSIGPIPE: d.options.IgnoreSIGPIPE, Descriptors: d.options.Descriptors,
	}
	d.handover = d.commonHandover()
	d.templateOf = d.templateCommand(d.path, d.cfg)
}

func (d *daemon) seams() loop.Seams {
	return loop.Seams{
		Now: monotonic, Wall: time.Now, Log: d.log,
		Start: d.start, Executed: executed, Accept: spawn.Accept, Discard: nowait.CloseElsewhere, Listen: d.listenAgain, Replace: d.replacer(),
		Signal: signalWorker, Look: d.look, Inspect: d.inspect, Heir: d.heir, Wait: spawn.Process.Wait,
		CollectStrangers: spawn.CollectStrangers, HearDeaths: d.hearDeaths, Dumps: dumps, CPUTime: procfs.Clock, Waits: procfs.Waits,
		Receive: d.receive, Ancestor: report.Vouched, Depth: d.depth.Waiting, Drops: sockdiag.Drops,
		Ready:    func(line string) { d.complain(d.notifier.SendStatus("READY=1", line)) },
		Status:   d.notifier.Status,
		Beat:     d.beat,
		Stopping: d.stopping,
		Reloading: func() {
			d.tell(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", monotonic().Microseconds()))
		},
		Flush: func() bool {
			d.complain(d.notifier.Flush())
			return d.notifier.Pending()
		},
		Observe:     d.observe,
		Explain:     d.explain,
		Works:       d.works,
		Measure:     d.measure,
		Prepare:     d.prepare,
		Reconfigure: d.reconfigure,
		Adjust:      d.adjust,
		Keep:        d.keeper(),
		Trial:       d.trial,
		Execute:     d.execute,
		Templates:   d.templates(),
	}
}

func (d *daemon) start(generation uint64, stress bool, slot int, c *spawn.Conn) (spawn.Process, error) {
	if c == nil { // else there was, when it was accepted
		if err := spawn.Room(); err != nil {
			return spawn.Process{}, err
		}
	}
	protocol := d.cfg.Protocol
	if protocol.Channel {
		return d.startWithChannel(generation, stress)
	}
	h := d.handover
	switch {
	case protocol.PerConnection:
		given := d.given()
		given.Conn = c
		h = protocol.Handover(given)
	case d.board != nil && slot >= 0 && slot < board.Slots:
		h = d.withBoard(generation, h, slot)
	}
	p, err := d.spawn(generation, stress, h)
	if d.reports != nil {
		d.reports.Doubt()
	}
	return p, err
}

// spawn says once if workers cannot be started as they are elsewhere.
func (d *daemon) spawn(generation uint64, stress bool, h spawn.Handover) (spawn.Process, error) {
	p, err := d.command.Start(generation, stress, h)
	if why := d.command.Detour; why != nil {
		d.command.Detour = nil
		event.Log(d.log, event.SlowStarts, event.Cause(why))
	}
	return p, blamed(err)
}

func executed(p spawn.Process) (bool, error) {
	over, err := p.Executed()
	return over, blamed(err)
}

// blamed tells the command's faults from what the system refuses.
func blamed(err error) error {
	var command *spawn.CommandError
	if errors.As(err, &command) {
		return loop.CommandFault{Err: err}
	}
	return err
}

// listenAgain makes a socket listen that was shut down, or puts a new one in the place of
// one of --listen that cannot. It does so in another goroutine: who else has the socket may
// have locked it, and a path leads where its file system decides how long that takes.
func (d *daemon) listenAgain(fd, most int, done func(bool, error)) {
	at := slices.IndexFunc(d.sockets.Workers, func(s activation.Socket) bool { return s.FD == fd })
	s := &d.sockets.Workers[at] // nobody else looks at it while the loop runs
	go nowait.Blocking(func() {
		err := activation.ListenAgain(fd, most)
		if err == nil || s.Path == "" {
			done(false, err)
			return
		}
		if err = s.Renew(); err == nil {
			d.paths.renew(fd, s.Path)
		}
		done(err == nil, err)
	})
}

// beat feeds the watchdog, and asks for another period where one is given.
func (d *daemon) beat(period time.Duration) {
	if period > 0 {
		d.tell(fmt.Sprintf("WATCHDOG=1\nWATCHDOG_USEC=%d", period.Microseconds()))
		return
	}
	d.tell("WATCHDOG=1")
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
		event.Log(d.log, event.ManagerUntold, event.Cause(err))
	}
}

func signalWorker(p spawn.Process, sig unix.Signal, group bool) error {
	if group {
		return p.SignalGroup(sig)
	}
	return p.Signal(sig)
}
