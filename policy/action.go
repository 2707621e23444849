package policy

import "fmt"

// This file has the vocabulary in which the policy answers: the kinds of actions, their
// reasons, and how a worker ended. The caller carries out the actions of an event in the
// order of the list, before it delivers the next event.

// Kind says what an [Action] asks for. The names in quotes are those of
// FORMAT.md.
type Kind uint8

// The kinds of actions; which fields of Action they use stands beside.
const (
	Start          Kind = iota + 1 // start a worker: Generation, Stress, Why
	Listen                         // watch the sockets this way: Watch
	RestartWorkers                 // "restart_workers": Why tells stress from reload
	StatusClosed                   // "status_closed"
	Throttle                       // "throttle": true; Until, and the cause: Why, Worker, End
	Unthrottle                     // "throttle": false; Why
	Retire                         // ask Worker to retire: Generation, Why
	Signal                         // send Number to Worker ("kill"); Why
	Probe                          // count the waiting connections, answer with Probed
	Sample                         // look at the accept queues, answer with Sampled
	Observe                        // look at Worker, Generation without waiting, answer with Observed
	Inspect                        // look whether connections are accepted, answer with Inspected, later than at once if need be
	LookAtWork                     // look which workers are at a request, answer with Worked, later than at once if need be
	ExitIdle                       // exit, if no connection waits: the service has been idle for ExitIdleTime
	Drained                        // the last worker of a stopped service is gone
	RollingDone                    // no worker of an older revision is left to be asked
	RollingWaits                   // no older worker exits to make room for the test: it goes on, and may take long
	RollingStopped                 // a replacement failed: Why, Worker, End; Number older workers go on

	CloseOwed         // close so many connections that wait for their worker: Number
	WarnLeftBehind    // the stop does not wait for Number workers that SIGKILL has not ended
	WarnLimit         // "process_limit"
	WarnBadStart      // "bad_startup": Worker, Why, End
	WarnExitStatus    // "exit_status": Worker, Generation, End; Why is Crashed if it had started well
	WarnKilled        // "killed": the same
	WarnStopped       // "stopped": Worker, Generation, End
	WarnUnknownStatus // "unknown_status": Worker, Number
	WarnPartialStatus // "partial_status": Worker
	WarnReadError     // "status_read_error"
	WarnSuspect       // connections wait although Worker is believed available
	WarnStuck         // connections of socket Number wait, and nobody accepts them
	WarnBackground    // a worker has left Worker to accept in its place
	WarnTimeout       // Worker is ended because of Why
	WarnSlow          // Worker, Generation has been at one request for SlowAfter, since Until
	InfoStale         // "stale_generation": Worker, Generation
	PanicUnknownChild // "unknown_child"
	PanicStatusEOF    // "status_eof"
)

// Watch is how the sockets are watched. Only [WatchOn] is "listening" in the
// sense of FORMAT.md.
type Watch uint8

const (
	// WatchOff: not at all.
	WatchOff Watch = iota
	// WatchOn: as long as a connection waits (level-triggered).
	WatchOn
	// WatchNew: when another connection arrives (edge-triggered). Workers are
	// on their way for those that wait already.
	WatchNew
	// WatchOnce: the next readiness only (one-shot), for the stall guard.
	WatchOnce
)

// Why is the reason of an action.
type Why uint8

// Reasons.
const (
	Demand         Why = iota // a connection waits
	Spare                     // fewer idle workers than wanted
	Replacement               // rolling restart: replaces one of an older revision
	Stall                     // the available workers do not accept
	Stress                    // the service is under stress
	Reload                    // the configuration was read again
	Stop                      // the service is being stopped
	Surplus                   // more idle workers than the load has needed
	UsedUp                    // served its share of requests
	TooOld                    // lived its share of time
	BadEnd                    // ended badly before its first finished job
	ExecFailed                // its command could not be executed
	BadEnds                   // one bad end after the other, and never a good one
	QuickEnd                  // ended cleanly at once, served nothing
	StartRefused              // the operating system refused to start it
	StartTimeout              // not ready in time
	BusyTimeout               // busy for too long
	WatchdogSilent            // no WATCHDOG=1 in time
	WatchdogAsked             // WATCHDOG=trigger
	RetireTimeout             // asked to retire, still busy
	RetireIgnored             // asked to retire, idle, still there
	StopTimeout               // still there at the end of the stop
	PauseOver                 // it has lasted as long as it should
	Room                      // what was short is there again: a worker has ended
	Background                // the command puts itself into the background
	Crashed                   // at its work, having started well: no startup failure
	NoAccept                  // ready, or old enough to be, and takes no connection
	ExecTimedOut              // its command was not executed in time
	Shortage                  // the operating system was short of something
	Above                     // there are more workers than a limit that was lowered permits
	Large                     // takes more memory than it may
	OldEnough                 // has lived long enough to be proven (never in an action)
	Slow                      // at one request for long (never in an action)
)

// End is how a worker ended. Unknown is a good end: it belongs to an adopted
// worker whose status the kernel could not tell.
type End struct {
	Code    int  // exit code, when Signal is 0
	Signal  int  // signal that killed (or, with Stopped, merely stopped) it
	Stopped bool // not an end
	Unknown bool
}

// Good reports whether this is the one good end, exit code 0.
func (e End) Good() bool { return e.Unknown || e.Code == 0 && e.Signal == 0 }

func (e End) String() string {
	switch {
	case e.Unknown:
		return "ended with unknown status"
	case e.Stopped:
		return fmt.Sprintf("was stopped by signal %d", e.Signal)
	case e.Signal != 0:
		return fmt.Sprintf("was killed by signal %d", e.Signal)
	default:
		return fmt.Sprintf("exited with status %d", e.Code)
	}
}

// Action is one thing that the caller has to do, or to say.
type Action struct {
	Kind       Kind
	Why        Why
	Watch      Watch
	Stress     bool
	Worker     int
	Number     int
	Generation uint64
	Until      Instant
	End        End
}
