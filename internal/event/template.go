package event

import "log/slog"

// Messages about templates, which fork workers.
var (
	TemplateStarts = &Message{
		Event: "template", Reason: "starts", Level: levelDebug,
		Text:  "a template is started",
		Means: "With its pid.",
	}
	TemplateReady = &Message{
		Event: "template", Reason: "ready", Level: levelDebug,
		Text:  "a template is ready",
		Means: "With its pid, and how long it has loaded.",
	}
	TemplateIdle = &Message{
		Event: "template", Reason: "idle", Level: levelDebug,
		Text:  "a template ends, as there was no worker for template-idle= (--template-idle)",
		Means: "With its pid.",
	}
	TemplateEnded = &Message{
		Event: "template", Reason: "ended", Level: levelWarn,
		Text:  "template {template_pid} {end} after {forks fork}: its workers live, and a new template is started; see the template's output just above",
		Means: "Nobody has asked it to. Workers are forked by the next one.",
		Do:    "See the template's own output just above for what has ended it.",
	}
	TemplateFailed = &Message{
		Event: "template", Reason: "failed", Level: levelError,
		Text: "no template ({cause}): it is tried again when a worker is needed; fix the cause",
		Means: "A template could not be started, and nobody waits for a worker. Where somebody does, the cause is that of a pause: " +
			"\"template PID exited with status N before it was ready (READY=1)\", \"template PID was not ready (READY=1) within start-timeout= (--start-timeout)\", \"the template cannot fork: REASON\".",
		Do: "See the template's own output just above. One that loads for long needs a longer `start-timeout=`.",
	}
	TemplateThreads = &Message{
		Event: "template", Reason: "threads", Level: levelWarn,
		Text:  "template {template_pid} has {threads thread}, and its forks may hang: each worker is started by executing the command; have it start no thread before READY=1 (OMP_NUM_THREADS=1 or the like for libraries that do), or set template= (--template) to off",
		Means: "A fork has one thread only, and what the others held locked stays so. The next reload tries again.",
		Do:    "Have the program start no thread before READY=1; libraries have variables for that, such as `OMP_NUM_THREADS=1`. Or set `template=off`.",
	}
	TemplateNeverAccepts = &Message{
		Event: "template", Reason: "never_accepts", Level: levelWarn,
		Text:  "the program did not wait for a connection within start-timeout= (--start-timeout), so it was not made a template: each worker is started by executing the command; set template= (--template) to off, or raise the timeout if it loads for long",
		Means: "A program can be made a template if it is dynamically linked, has no set-user-ID bit, and calls accept(2) in its first thread. The next reload tries again.",
		Do:    "Set `template=off`, or raise `start-timeout=` if the program loads for long.",
	}
	TemplateInterpreter = &Message{
		Event: "template", Reason: "interpreter", Level: levelWarn,
		Text:  "the program is an interpreter of {language}, which has to take steps of its own after a fork, so it was not made a template: each worker is started by executing the command; have the program become a template by itself and set template= (--template) to worker, or set it to off",
		Means: "Forked from outside, an interpreter would draw the same random numbers in all workers, and miss timers and threads of its own.",
		Do:    "A few lines make the program a template by itself (`template=worker`); docs/template.md has them.",
	}
	TemplateConnections = &Message{
		Event: "template", Reason: "connections", Level: levelWarn,
		Text:  "template {template_pid} has open connections that all workers share, to {peers}: what one worker writes there mixes with what others write; open connections after the fork",
		Means: "They were opened while the template loaded.",
		Do:    "Open connections, to a database for instance, in the worker, after the fork.",
	}
	NoGroup = &Message{
		Event: "template", Reason: "no_group", Level: levelWarn,
		Text:  "worker {worker_pid} has no process group of its own, as it is no child of availd: what it starts outlives it when it is killed; have the template fork twice, and wait for the process between",
		Means: "The template has forked once only.",
		Do:    "Have the template fork twice, and wait for the process between; see availd-worker(7).",
	}
	PacketRejected = &Message{
		Event: "report_rejected", Reason: "packet", Level: levelWarn,
		Text:  "a packet of process {pid} on the channel of template {template_pid} is ignored: {cause}; find who has kept that descriptor, which workers have to close",
		Means: "Only the template, and what it has just forked, may speak there.",
		Do:    "A worker that has kept its copy of the descriptor, or what it has started, has sent something: let workers close it.",
	}
	TemplateUnheard = &Message{
		Event: "internal", Reason: "template_unheard", Level: levelError,
		Text:  "template {template_pid} cannot be heard ({cause}): it is ended, and workers are forked by a new one; report it if it comes back",
		Means: "Its workers go on.",
	}
	TemplateLost = &Message{
		Event: "internal", Reason: "template_lost", Level: levelWarn,
		Text:  "a template of the earlier availd cannot be used ({cause}): workers are forked by a new one; report it if it comes back",
		Means: "Its workers go on.",
	}
	NotForked = &Message{
		Event: "template", Reason: "fork_timeout", Level: levelWarn,
		Text:  "the worker of generation {generation} was not forked within start-timeout= (--start-timeout): its template is ended; see what the template waits for, or raise the timeout",
		Means: "The template is not ready yet, does not read, or has forked a process that has not said that it is there.",
		Do:    "See what the template waits for: `strace -p` and its pid. One that loads for long needs a longer `start-timeout=`.",
	}
	ForkGivenUp = &Message{
		Event: "template", Reason: "fork_given_up", Level: levelWarn,
		Text:  "the worker of generation {generation} has to end before it was forked: its template is ended",
		Means: "The service is being stopped.",
	}
)

// Causes of failures of templates and their forks.
var (
	ForkTimedOut     = Phrase{"fork_timeout", "a worker was not forked within start-timeout= (--start-timeout)"}
	TemplateDied     = Phrase{"template_died", "template {template_pid} {end} before it was ready (READY=1)"}
	TemplateTimedOut = Phrase{"template_timeout", "template {template_pid} was not ready (READY=1) within start-timeout= (--start-timeout)"}
	TemplateHungUp   = Phrase{"template_hung_up", "template {template_pid} has closed its channel, or cannot be heard, before it was ready (READY=1)"}
	ForkDied         = Phrase{"fork_died", "a worker of template {template_pid} {end} before it said that it was there (BORN={generation})"}
	ForkerDied       = Phrase{"forker_died", "template {template_pid} {end} when it was to fork a worker"}
	CannotFork       = Phrase{"cannot_fork", "the template cannot fork: {why}"}
	NoForkReason     = Phrase{"cannot_fork", "the template cannot fork, and gives no reason"}
)

// Why a packet on a template's channel is not believed.
var (
	NotThatWorker = Phrase{"other_worker", "worker {generation} is not it"}
	NotOrdered    = Phrase{"not_ordered", "worker {generation} is not ordered"}
	NotTakenOver  = Phrase{"not_taken", "worker {generation} cannot be taken over: {why}"}
	OrderedNoMore = Phrase{"order_over", "worker {generation} is not ordered any more, and ended"}
	NoFork        = Phrase{"no_fork", "the sender is no fork of the template"}
	ReadyByOther  = Phrase{"ready_by_other", "READY=1 is for the template itself to say"}
	NoSense       = Phrase{"no_sense", "it makes no sense"}
)

// Template is the pid of a template.
func Template(pid int) slog.Attr { return slog.Int("template_pid", pid) }

// Forks is how many workers a template has forked.
func Forks(n uint64) slog.Attr { return slog.Uint64("forks", n) }

// Threads is how many threads a process has.
func Threads(n int) slog.Attr { return slog.Int("threads", n) }

// Language is that of an interpreter.
func Language(name string) slog.Attr { return slog.String("language", name) }

// Peers is a list of addresses.
func Peers(list string) slog.Attr { return slog.String("peers", list) }

// Why is a reason in another program's words.
func Why(text string) slog.Attr { return slog.String("why", text) }
