package event

import "log/slog"

// Phrase is the text of a cause, which is quoted in messages, in the status and by the
// subcommands. Name tells it from others without a look at the text; one that only adds
// something to another cause has none of its own.
type Phrase struct{ Name, Text string }

// Reason is a cause with its fields. It is an error, so that it can be the answer to a
// request, too.
type Reason struct {
	Name   string
	text   string
	fields []slog.Attr
}

// With fills a cause in.
func (p Phrase) With(fields ...slog.Attr) *Reason {
	name := p.Name
	if name == "" {
		name, _ = find(fields, KeyReason)
	}
	return &Reason{name, Fill(p.Text, fields), fields}
}

func (r *Reason) Error() string { return r.text }

func (r *Reason) any() (list []any) {
	for _, f := range r.fields {
		list = append(list, f)
	}
	return list
}

// Ways in which a worker ends.
var (
	Exited  = Phrase{"exited", "exited with status {exit_status}"}
	Killed  = Phrase{"killed", "was killed by {signal}"}
	Stopped = Phrase{"stopped", "was stopped by {signal}"}
	Unknown = Phrase{"unknown", "ended, and how is not known"}
)

// Causes of a pause of starts, and of a reload that has failed.
var (
	BadEnd         = Phrase{"bad_end", "worker {end}"}
	BadEnds        = Phrase{"bad_ends", "more than ten workers failed within a second, the last one {end}"}
	QuickEnd       = Phrase{"quick_end", "worker exited with status 0 within a second and served nothing"}
	ExecFailed     = Phrase{"exec_failed", "the worker's command cannot be executed"}
	NoAccept       = Phrase{"no_accept", "the worker runs and accepts no connection"}
	InBackground   = Phrase{"background", "the command goes into the background: the worker exited with status 0, and process {pid} that it left accepts in its place; have it stay in the foreground (an option such as --foreground or --no-daemon, or daemonize=no)"}
	ExecTimedOut   = Phrase{"exec_timeout", "worker was not executed within start-timeout= (--start-timeout)"}
	StartTimedOut  = Phrase{"start_timeout", "worker did not get ready within start-timeout= (--start-timeout)"}
	BusyTooLong    = Phrase{"busy_timeout", "worker was busy for longer than busy-timeout= (--busy-timeout)"}
	WatchdogSilent = Phrase{"watchdog_silent", "worker sent no WATCHDOG=1 within worker-watchdog= (--worker-watchdog)"}
	WatchdogAsked  = Phrase{"watchdog_asked", "worker sent WATCHDOG=trigger"}
	EndedAtOnce    = Phrase{"killed", "worker had to be killed"}
	NotStarted     = Phrase{"not_started", "a worker could not be started"}
)

// What a worker does whose request takes long.
var (
	Computes       = Phrase{"computes", "it computes, with {share} % of a processor"}
	WaitsFor       = Phrase{"waits", "it waits in {call} for {on}"}
	Waits          = Phrase{"waits", "it waits in {call}"}
	WaitsForMemory = Phrase{"memory", "it waits for a page of memory, such as one of a file or of swap"}
	Sleeps         = Phrase{"sleeps", "it sleeps in {call}"}
	StuckOn        = Phrase{"stuck", "it is in {call} of {on}, which no signal ends, as when a disk or a file server does not answer"}
	Stuck          = Phrase{"stuck", "it is in {call}, which no signal ends, as when a disk or a file server does not answer"}
	StuckAnywhere  = Phrase{"stuck", "it is inside the kernel, which no signal ends, as when a disk or a file server does not answer"}
	IsStopped      = Phrase{"stopped", "it is stopped by a signal or a debugger"}
	CallHiddenIn   = Phrase{"hidden", "it waits in a system call that availd may not see, in {function} of the kernel"}
	CallHidden     = Phrase{"hidden", "it waits in a system call that availd may not see"}
	NotLookedAt    = Phrase{"not_looked_at", "what it does was not looked at, as too many are"}
)

// Answers to who has asked for a reload or an upgrade.
var (
	OlderGoOn       = Phrase{"", "{cause}; the older workers go on serving"}
	NoRoomForTest   = Phrase{"no_room", "no worker has exited yet to make room for a test of the new revision: the older ones go on serving, and the reload goes on when one exits"}
	TrialLate       = Phrase{"no_answer", "{path} did not answer within {took}"}
	TrialSilent     = Phrase{"not_understood", "{path} does not say that it understands the state of this availd"}
	KeptConnections = Phrase{"kept_connections", "{waiting accepted connection} without a worker ({cause})"}
)

// Why workers are started again after a pause.
var (
	PauseOver = Phrase{"pause_over", "the pause is over"}
	ReadAgain = Phrase{"reload", "the configuration was read again"}
	HasRoom   = Phrase{"room", "no start was refused for ten seconds"}
)

// Why a report is not believed.
var (
	Malformed     = Phrase{"malformed", "it is {what}"}
	Nonsense      = Phrase{"nonsense", "X_AVAILD is neither busy nor idle"}
	PartialRecord = Phrase{"partial_record", "{bytes byte} do not make a whole record"}
	OtherPID      = Phrase{"other_pid", "it names process {pid}"}
	OtherSerial   = Phrase{"other_generation", "it names generation {octal}, in octal"}
	NoState       = Phrase{"availability", "its availability is {value}"}
	HungUp        = Phrase{"hung_up", "it has closed its status channel, so it is asked to retire"}
)

// Why a worker is not looked at before it is retired.
var (
	MayNotLook  = Phrase{"not_permitted", "workers may not be inspected"}
	HasChildren = Phrase{"children_accept", "workers have started processes that accept too"}
)

// What names a fault of a report.
func What(fault string) slog.Attr { return slog.String("what", fault) }

// Bytes is a number of bytes.
func Bytes(n int) slog.Attr { return slog.Int("bytes", n) }

// Octal is a generation as Postfix writes it.
func Octal(text string) slog.Attr { return slog.String("octal", text) }

// Value is a number that makes no sense.
func Value(n int) slog.Attr { return slog.Int("value", n) }
