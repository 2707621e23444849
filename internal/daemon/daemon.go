// Package daemon puts one service together: the configuration, what systemd
// handed over, the sockets for reports and control, the starts, and the loop
// that owns them all. It is what `availd run` runs.
//
// It holds no rule of its own. What may go wrong before the service is up is
// returned as an [*Exit] with the exit status that says who has to fix it.
//
// # Diagnostics
//
// Run returns nil after an orderly stop. An *Exit carries 64 (usage), 71
// (operating system), 78 (configuration or activation) or 70 (our own fault).
package daemon

import (
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/logs"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/notify"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/survivors"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Options are the words of the command line.
type Options struct {
	Settings []config.Setting
	Command  []string
	Version  string
	// Executable is the absolute path of availd, for an upgrade.
	Executable string
	// HeldReports is closed when the service has come up.
	HeldReports *HeldReports
	// IgnoreSIGPIPE and OwnDescriptors (RLIMIT_NOFILE) are what this process was
	// started with; IgnoreSIGPIPE and Descriptors are what workers get. The limits
	// differ where the unit gives availd one of its own. Zeros: they are not known.
	IgnoreSIGPIPE  bool
	OwnDescriptors unix.Rlimit
	Descriptors    unix.Rlimit
}

// daemon is the service while it is put together and while it runs.
type daemon struct {
	options Options
	cfg     config.Config // base with sets
	base    config.Config // as it was read
	sets    []config.Set
	// setsKept is sets as they are written down.
	setsKept [state.SetMost]state.Set
	// setsSaid is what has become of the sets of an earlier availd, to be said once the
	// service is up.
	setsSaid []event.Line
	path     string // of the worker program
	object   string // that is loaded into workers (--preload); "" = none
	// forkObject is the same file where it is not loaded: what a template may fork with.
	forkObject string
	// executing: a reload of an inetd service has its command executed.
	executing atomic.Bool
	log       *slog.Logger
	flush     func() // what was logged
	notifier  *notify.Notifier
	sockets   activation.Set
	listened  bool // the sockets are ours, from --listen
	paths     paths
	orphans   []survivors.Orphan // whose socket was taken over
	reports   *report.Socket
	board     *board.Board    // nil = workers have none
	control   *control.Socket // nil = there is none
	command   *spawn.Command
	// templateOf is what a template of the present configuration is executed with.
	templateOf  *spawn.Command
	signals     signals
	adopted     map[int]bool   // pids of workers of an earlier availd
	handover    spawn.Handover // of workers that accept themselves
	stopEnds    time.Duration  // when the service manager may kill us in a stop; 0 = there is none
	flow        [2]int         // the pipe of Postfix's daemons
	depth       *sockdiag.Reader
	looker      *quiesce.Looker
	observer    answerer[[]inspect.Worker, []policy.Observation]
	explainer   answerer[[]activity.Question, []activity.Activity]
	worksLooker answerer[worksQuestion, []policy.Working]
	sizes       answerer[measureQuestion, []int64]
	next        next   // what a reload has read
	place       string // the working directory, by the path that led there
	directory   directory
	inspector   *inspect.Inspector
	loop        *loop.Loop

	kept        kept
	state       *state.File
	area        *state.Area // of the history; nil = it does not outlive this process
	history     *history.History
	events      history.Events // the latest messages
	written     state.Service  // the record that is in it
	started     time.Time      // of the service's first availd
	fingerprint uint64         // of what workers are started with now
	program     uint64         // of the program about which something was learnt
	stateLost   bool           // no state was handed over
	reportsLost bool           // the report socket is a new one
	boardLost   bool           // so is the board, or there is none
	handed      bool           // all this came from an earlier image of this process
}

// Run serves until the service is stopped. The notifier is the caller's.
func Run(o Options, n *notify.Notifier) error {
	saveMemory()
	if err := roomForItself(); err != nil {
		return system(err)
	}
	nowait.ReserveThreads()
	d := &daemon{options: o, notifier: n, flush: func() {}}
	defer func() { d.flush() }()
	defer d.close()
	d.signals = catchSignals()
	defer d.signals.release()
	for _, step := range []func() error{
		d.configure, d.takeSockets, d.findCommand, d.findPreload, d.openState, d.restoreSets, d.openHistory, d.openReports, d.openBoard, d.openFlow, d.openControl, d.build,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	if err := d.prepareForStrangers(); err != nil {
		return system(err)
	}
	o.HeldReports.Close()
	go d.forwardSignals()
	d.serveControl()
	if err := d.loop.Run(); err != nil {
		return internal(err)
	}
	d.endReports()
	event.Log(d.log, event.ServiceStopped)
	return nil
}

func (d *daemon) configure() error {
	d.place, d.directory = startedIn(), currentDirectory()
	cfg, err := config.Load(d.options.Settings, d.options.Command)
	if err != nil {
		return badConfig(err)
	}
	d.cfg = cfg
	d.log, d.flush = logs.New(cfg.LogLevel, cfg.LogFormat, d.events.Note)
	return nil
}

func (d *daemon) findCommand() (err error) {
	if d.path, err = spawn.Find(d.cfg.Command[0]); err != nil {
		return misconfigured(err)
	}
	if d.cfg.Name == "" {
		d.cfg.Name = defaultName(d.path, d.cfg)
	}
	d.log = d.log.With("service", d.cfg.Name)
	return nil
}

func (d *daemon) build() (err error) {
	d.depth = sockdiag.NewReader()
	d.prepareStarts()
	if d.cfg.Template != config.TemplateOff {
		if err := spawn.BecomeReaper(); err != nil {
			return system(err)
		}
	}
	d.findPaths()
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
		_ = d.control.Remove()
		_ = unix.Close(d.control.FD)
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
