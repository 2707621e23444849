package loop

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/activity"
	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file has the functions through which the loop acts on the world. The daemon
// supplies them, and tests put others in their place.

// Socket is one listening socket of the workers. Its descriptor stays the
// caller's.
type Socket struct {
	FD      int
	Name    string
	Address string
	Listens bool // clients connect to it: no datagram socket, no FIFO
}

// Config is what the loop needs to know of the service besides its policy.
type Config struct {
	Name     string
	Version  string
	Unit     string // "" = not under a service manager
	Protocol string
	Sockets  []Socket
	// ReportFD is the report socket, -1 = none. It stays the caller's.
	ReportFD int
	// ReportQueue is how many datagrams it holds before their senders wait.
	ReportQueue int
	// Board is where workers may show whether they are idle, by the slots in
	// which they are written down; nil = there is none. It stays the caller's.
	Board *board.Board
	// History keeps what the pool was like; nil = nobody does.
	History *history.History
	// Preload: they do so by the shared object of --preload, and in no other way.
	Preload bool
	// DescendantsReport believes processes that a worker started, too.
	DescendantsReport bool
	// PerConnection: workers are started with a connection that the loop accepts.
	PerConnection bool
	// Watchdog is the time between two WATCHDOG=1; 0 = not wanted.
	Watchdog time.Duration
	// Restored is what an earlier process has left; nil = nothing.
	Restored *Restored
	Settings
}

// Settings are the part of the configuration that a reload may change.
type Settings struct {
	Policy       policy.Config
	RetireSignal unix.Signal // 0 = workers are not asked
	MaxMemory    int64       // bytes that a worker may take; 0 = any number
	SlowSignal   unix.Signal // to a worker whose request takes long; 0 = none
	// Quiesce ends workers that hold no connection instead of asking them, always
	// or, where there is a RetireSignal, while nobody reports.
	Quiesce bool
	// StartTimeout is how long a connection waits here for a worker that the system
	// refuses to start; 0 = for ever.
	StartTimeout time.Duration
	MaxPerSource int // connections of one client, with PerConnection; 0 = any number
	// Template: workers are forked by a template, which ends when there was no worker for
	// TemplateIdle; 0 = never. TemplatePreload: availd makes the program one.
	Template, TemplatePreload bool
	TemplateIdle              time.Duration
	// Ceilings are why the limit cannot be reached, for the administrator.
	Ceilings []event.Line
	// Set are the values of availd set, and Changes what has become of them, to be said
	// once.
	Set     []status.Set
	Changes []event.Line
}

// Seams are the effects of the loop on the world. None of them blocks. All are
// called by the loop's goroutine.
type Seams struct {
	// Now reads the monotonic clock, which everything goes by. Wall reads the
	// other one, for what people are shown: it may step at any time.
	Now  func() policy.Instant
	Wall func() time.Time
	// Start starts one worker, which has that slot on the board; -1 = none. The
	// error is a CommandFault, or else the system's. The connection stays open until the
	// start is over.
	Start func(generation uint64, stress bool, slot int, conn *spawn.Conn) (spawn.Process, error)
	// Executed reports whether a start is over; its error is as Start's.
	Executed func(spawn.Process) (over bool, err error)
	// Accept takes a connection, for workers that are started with one;
	// spawn.ErrNoConnection when none waits.
	Accept func(fd int) (spawn.Conn, error)
	// Discard closes a descriptor in which another process may have left something: how
	// long the close takes must not matter.
	Discard func(fd int)
	// Drops is how many connections the kernel has dropped at a listening socket; false =
	// it does not count them. nil: never known.
	Drops func(fd int) (uint64, bool)
	// Listen makes a socket listen again that was shut down, for so many connections (-1 =
	// not known), and calls done from another goroutine: with another it had to put a new
	// socket in its place, under the same number.
	Listen func(fd, most int, done func(another bool, err error))
	// Replace has the service manager make the sockets of that name anew, one of which was
	// shut down or else has lost its path, and calls done from another goroutine with what
	// comes of it; nil = there is no manager.
	Replace func(name string, shutDown bool, done func(Remedy))
	// Signal sends sig to the worker, or to its process group.
	Signal func(p spawn.Process, sig unix.Signal, group bool) error
	// Look has workers looked at, and calls found with the answers in the order of
	// the questions, from another goroutine or before it returns. The loop asks
	// again only after that.
	Look func(questions []quiesce.Question, found func([]quiesce.State))
	// Heir finds the process that a worker of that number and age has left to accept in
	// its place. The loop takes its pidfd over.
	Heir func(worker int, age time.Duration, known func(pid int) bool) (spawn.Process, bool)
	// Inspect has it looked whether connections are accepted, and calls done from another
	// goroutine. The slices of the question are its own until then.
	Inspect func(q inspect.Question, done func(*inspect.Answer))
	// Wait collects a worker; false: it has not ended.
	Wait func(spawn.Process) (policy.End, bool, error)
	// CPUTime is how much processor time a process has used; false: it is not there. nil:
	// no start is looked at.
	CPUTime func(pid int) (time.Duration, bool)
	// Waits reports whether a process waits at this moment, and neither for a disk nor for a
	// child, and whether it has one thread alone.
	Waits func(pid int) (waits, alone bool)
	// Dumps reports whether the kernel is writing a core dump of the worker, or of a
	// process of its that would be killed with it.
	Dumps func(spawn.Process) bool
	// CollectStrangers collects dead children that are nobody's, where there may be
	// any; true: somebody's was in the way.
	CollectStrangers func(isWorker func(pid int, end policy.End) bool) (again bool, err error)
	// HearDeaths says whether [Loop.Signal] is to be called with SIGCHLD from now on; nil =
	// there are no strangers.
	HearDeaths func(bool)
	// Receive reads one report; report.ErrEmpty when there is none.
	Receive func(*report.Message) error
	// Ancestor finds the worker that a reporting process descends from.
	Ancestor func(pid int, isWorker func(int) bool) (int, bool)
	// Depth reads an accept queue.
	Depth func(fd int) sockdiag.Depth
	// Ready, Status, Beat, Stopping, Reloading tell the service manager;
	// Flush sends what could not be sent at once, and reports whether
	// something is left.
	Ready     func(line string)
	Status    func(line string)
	Beat      func(period time.Duration) // the longest time until the next one; 0 = as it was
	Stopping  func(line string)
	Reloading func()
	Flush     func() (left bool)
	// Observe looks at workers, and calls done from another goroutine; nil = none is
	// looked at.
	Observe func(workers []inspect.Worker, done func([]policy.Observation))
	// Explain has it looked what workers do, and calls done from another goroutine with the
	// answers in the order of the questions; nil = none is looked at. The loop asks again
	// only after that.
	Explain func(questions []activity.Question, done func([]activity.Activity))
	// Works has it looked which of these workers are at a request, and calls done from another
	// goroutine with the list completed, or with none if it could not be looked now. The loop
	// asks again only after that, and leaves the list alone. With limits only requests that are
	// about to be as old as one of them have to be looked at, and workers may be left out.
	Works func(asked []policy.Working, limits quiesce.Limits, done func([]policy.Working))
	// Measure finds out how much memory these processes take, closely those that may be above
	// the limit, and calls done from another goroutine with bytes in their order, or
	// SizeUnknown or SizeNotLooked. The loop asks again only after that.
	Measure func(pids []int, limit int64, done func([]int64))
	// Prepare does what may take long of a reload, and calls done from another
	// goroutine; nil = there is nothing. There is one call at a time.
	Prepare func(directory string, done func(error))
	// Reconfigure takes over the configuration that was read. On success starts use it.
	Reconfigure func() (Settings, error)
	// Adjust takes over what lines of option=value say, for availd set; named are the
	// options of the lines as they are then. On error nothing has changed.
	Adjust func(lines string) (s Settings, named []status.Set, err error)
	// Keep keeps what has to survive this process.
	Keep Keeper
	// Trial runs another binary on a copy of the state, and calls done from
	// another goroutine. Execute becomes it, and returns only on error.
	Trial   func(done func(error))
	Execute func(workers, channels []Handed, templates []HandedTemplate) error
	// Templates are for services whose workers are forked.
	Templates Templates
	Log       *slog.Logger
}
