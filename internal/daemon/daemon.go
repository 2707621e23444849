// Package daemon puts one service together: the configuration, what systemd
// handed over, the sockets for reports and control, the births, and the loop
// that owns them all. It is what `availd run` runs.
//
// It holds no rule of its own. What may go wrong before the service is up is
// returned as an [*Exit] with the exit status that says who has to mend it.
//
// # Diagnostics
//
// Run returns nil after an orderly stop. An *Exit carries 64 (usage), 71
// (operating system), 78 (configuration or activation) or 70 (our own fault).
package daemon

import (
	"log/slog"
	"net"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/logs"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/still"
	"github.com/availd/availd/spawn"
)

// Options are the words of the command line.
type Options struct {
	Settings []config.Setting
	Command  []string
	Version  string
	// Executable is the absolute path of availd, for an upgrade.
	Executable string
	// IgnoreSIGPIPE and Descriptors (RLIMIT_NOFILE) are what this process was
	// started with, and what workers get. Zeros: the limit is not known.
	IgnoreSIGPIPE bool
	Descriptors   unix.Rlimit
}

// daemon is the service while it is put together and while it runs.
type daemon struct {
	options  Options
	cfg      config.Config
	path     string // of the worker program
	log      *slog.Logger
	flush    func() // what was logged
	notifier *notify.Notifier
	sockets  activation.Set
	listened bool // the sockets are ours, from --listen
	reports  *report.Socket
	board    *board.Board // nil = workers have none
	control  net.Listener
	command  *spawn.Command
	handover spawn.Handover // of workers that accept themselves
	stopEnds time.Duration  // when the service manager may kill us in a stop; 0 = there is none
	flow     [2]int         // the pipe of Postfix's daemons
	depth    *depthReader
	looker   *quiesce.Looker
	looked   looked
	loop     *loop.Loop

	kept        kept
	state       *state.File
	written     state.Service // the record that is in it
	started     time.Time     // of the service's first availd
	fingerprint uint64        // of what workers are born with now
	lost        bool          // no state was handed over
	deaf        bool          // the report socket is a new one
	boardless   bool          // so is the board, or there is none
	handed      bool          // all this came from an earlier image of this process
}

// Run serves until the service is stopped. The notifier is the caller's.
func Run(o Options, n *notify.Notifier) error {
	saveMemory()
	still.Sleep()
	d := &daemon{options: o, notifier: n, flush: func() {}}
	defer func() { d.flush() }()
	defer d.close()
	signals := catchSignals()
	defer signal.Stop(signals)
	for _, step := range []func() error{
		d.configure, d.takeSockets, d.findCommand, d.openState, d.openReports, d.openBoard, d.openFlow, d.openControl, d.build,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := spawn.IgnoreSIGCHLD(); err != nil {
		return system(err)
	}
	go d.forwardSignals(signals)
	d.serveControl()
	if err := d.loop.Run(); err != nil {
		return internal(err)
	}
	d.endReports()
	d.log.Info("stopped", logs.Event, "stopping")
	return nil
}

func (d *daemon) configure() error {
	cfg, err := config.Load(d.options.Settings, d.options.Command)
	if err != nil {
		return badConfig(err)
	}
	d.cfg = cfg
	d.log, d.flush = logs.New(cfg.LogLevel, cfg.LogFormat)
	return nil
}

func (d *daemon) findCommand() (err error) {
	if d.path, err = spawn.Find(d.cfg.Command[0]); err != nil {
		return misconfigured(err)
	}
	if d.cfg.Name == "" {
		d.cfg.Name = defaultName(d.path)
	}
	d.log = d.log.With("service", d.cfg.Name)
	return nil
}

func (d *daemon) build() (err error) {
	d.depth = newDepthReader()
	d.prepareBirths()
	cfg := d.loopConfig()
	cfg.Restored = d.restore()
	d.storeOwn()
	d.storeFlow()
	d.loop, err = loop.New(cfg, d.seams())
	if err != nil {
		return system(err)
	}
	return nil
}

// close gives back what was opened. Socket files that are ours are removed, but
// for the one of reports, by which workers may live on: see endReports.
func (d *daemon) close() {
	if d.control != nil {
		_ = d.control.Close()
	}
	if d.reports != nil {
		_ = d.reports.Close()
	}
	if d.listened {
		for _, s := range d.sockets.Workers {
			_ = s.Remove()
		}
	}
}

// monotonic reads the clock that the policy lives by. Its moments are those of
// the system's clock, as they must keep their meaning in another process. Go reads
// the same clock without a system call, and hides where it begins.
func monotonic() time.Duration { return clockOffset + time.Since(clockBegin) }

var clockBegin, clockOffset = beginClock()

func beginClock() (time.Time, time.Duration) {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
		panic("daemon: the monotonic clock cannot be read: " + err.Error())
	}
	return time.Now(), time.Duration(ts.Nano())
}
