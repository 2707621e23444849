package loop

import (
	"log/slog"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// Socket is one listening socket of the workers. Its descriptor stays the
// caller's.
type Socket struct {
	FD      int
	Name    string
	Address string
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
	// Board is where workers may show whether they are idle, by the slots in
	// which they are written down; nil = there is none. It stays the caller's.
	Board *board.Board
	// DescendantsReport believes processes that a worker started, too.
	DescendantsReport bool
	// PerConnection: workers are born with a connection that the loop accepts.
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
	// Quiesce ends workers that hold no connection instead of asking them, always
	// or, where there is a RetireSignal, while nobody reports.
	Quiesce      bool
	MaxPerSource int // connections of one client, with PerConnection; 0 = any number
	// Ceilings are why the limit cannot be reached, for the administrator.
	Ceilings []string
}

// Process is a worker as its birth gave it: the loop owns FD, its pidfd, and
// Channel, our end of its status channel; 0 = it has none.
type Process struct{ PID, FD, Channel int }

// Depth is how many connections wait at a socket, and how many may; -1 =
// unknown. Readable is whether any does.
type Depth struct {
	Waiting, Limit int
	Readable       bool
}

// Seams are the effects of the loop on the world. None of them blocks. All are
// called by the loop's goroutine.
type Seams struct {
	// Now reads the monotonic clock, which everything goes by. Wall reads the
	// other one, for what people are shown: it may step at any time.
	Now  func() policy.Instant
	Wall func() time.Time
	// Start gives birth to one worker, which is written down in that slot; -1 =
	// nowhere.
	Start func(generation uint64, stress bool, slot int, conn *Conn) (Process, error)
	// Accept takes a connection, for workers that are born with one.
	Accept func(fd int) (Conn, error)
	// Signal sends sig to the worker, or to its process group.
	Signal func(p Process, sig unix.Signal, group bool) error
	// Look looks at workers that were sent SIGSTOP, and writes what it finds.
	Look func(workers []Process, found []Held)
	// Wait collects a worker; false: it has not ended.
	Wait func(Process) (policy.End, bool, error)
	// Receive reads one report; report.ErrEmpty when there is none.
	Receive func(*report.Message) error
	// Ancestor finds the worker that a reporting process descends from.
	Ancestor func(pid int, isWorker func(int) bool) (int, bool)
	// Depth reads an accept queue.
	Depth func(fd int) Depth
	// Ready, Status, Beat, Stopping, Reloading tell the service manager;
	// Flush sends what could not be sent at once, and reports whether
	// something is left.
	Ready     func(line string)
	Status    func(line string)
	Beat      func()
	Stopping  func(line string)
	Reloading func()
	Flush     func() (left bool)
	// Reconfigure reads the configuration again. On success births use it.
	Reconfigure func() (Settings, error)
	// Keep keeps what has to survive this process.
	Keep Keeper
	// Trial runs another binary on a copy of the state, and calls done from
	// another goroutine. Execute becomes it, and returns only on error.
	Trial   func(done func(error))
	Execute func(workers, channels []Handed) error
	Log     *slog.Logger
}
