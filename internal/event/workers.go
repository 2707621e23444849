package event

// Messages about one worker.
var (
	WorkerFailed = &Message{
		Event: "worker_failed", Level: levelWarn,
		Text:  "worker {worker_pid} {end}: if it was serving a client, that connection is lost; see the worker's output just above",
		Means: "A worker exited with a status other than 0, or was killed by a signal that availd did not send. One that was idle, starting, or retiring without a client has cost nobody anything. Others serve the following clients.",
		Do:    "See the worker's own output just above. SIGSEGV or SIGABRT: a fault of the worker, `coredumpctl info PID`. SIGKILL: the kernel may be out of memory, `journalctl -k`.",
	}
	WorkerStopped = &Message{
		Event: "worker_failed", Reason: "stopped", Level: levelWarn,
		Text:  "worker {worker_pid} was stopped by {signal}: its client waits until it gets SIGCONT; find who stopped it",
		Means: "Somebody other than availd has stopped the process, such as a debugger. It keeps its place in the limit.",
		Do:    "`kill -CONT PID` continues it.",
	}
	WorkerCrashed = &Message{
		Event: "worker_failed", Reason: "crashed", Level: levelWarn,
		Text:  "worker {worker_pid} {end} after it had taken a connection: that client has lost its request; see the worker's output just above (crashes are logged once a minute)",
		Means: "The same of a worker that had started well: workers are started on without a pause.",
		Do:    "As for any other worker that has failed. `availd_worker_exits_total` counts all of them.",
	}
	WorkersCrashed = &Message{
		Event: "worker_failed", Reason: "crashes", Level: levelWarn,
		Text:  "worker {worker_pid} {end} after it had taken a connection, as did {others other} since {since}: their clients have lost their requests; see the workers' output above (crashes are logged once a minute)",
		Means: "The same, with the number of those that were not logged.",
	}
	WorkerInBackground = &Message{
		Event: "worker_failed", Reason: "background", Level: levelWarn,
		Text:  "the command goes into the background: worker exited with status 0, and process {worker_pid} that it left accepts in its place and keeps its place in the limit; have it stay in the foreground (an option such as --foreground or --no-daemon, or daemonize=no)",
		Means: "The program forks and exits, as a classic daemon does.",
		Do:    "Give the program its option to stay in the foreground.",
	}
	NotExecuted = &Message{
		Event: "worker_hung", Reason: "exec_timeout", Level: levelWarn,
		Text:  "worker {worker_pid} was not executed within start-timeout= (--start-timeout): it gets {signal}; check what serves the file of its command: a file server, FUSE, a virus scanner",
		Means: "The kernel is still reading the program.",
		Do:    "Whatever serves the file of the command does not answer: a dead file server, FUSE, a virus scanner.",
	}
	NotReady = &Message{
		Event: "worker_hung", Reason: "start_timeout", Level: levelWarn,
		Text:  "worker {worker_pid} did not get ready within start-timeout= (--start-timeout): it gets {signal}; send READY=1 earlier, raise the timeout, or set another protocol= (--protocol) for a program that never reports",
		Means: "A second line with SIGKILL follows if it does not end.",
		Do:    "Send READY=1 earlier, or raise `start-timeout=`. A program that never reports needs another `protocol=`; see availd-worker(7).",
	}
	BusyTimeout = &Message{
		Event: "worker_hung", Reason: "busy_timeout", Level: levelWarn,
		Text:  "worker {worker_pid} was busy for longer than busy-timeout= (--busy-timeout): it gets {signal}, and its client loses the connection; let workers give up on silent clients, or raise the timeout",
		Means: "The worker hangs, or its client takes its time.",
		Do:    "Let the worker give up on silent clients; raise `busy-timeout=` if requests take that long.",
	}
	WatchdogMissed = &Message{
		Event: "worker_hung", Reason: "watchdog_silent", Level: levelWarn,
		Text:  "worker {worker_pid} sent no WATCHDOG=1 within worker-watchdog= (--worker-watchdog): it gets {signal}, and its client loses the connection; see its core dump, or raise the time",
		Means: "It hangs, or the time is too short for its longest request.",
		Do:    "`coredumpctl info PID` shows what it was waiting for; raise `worker-watchdog=` if that is in order.",
	}
	WatchdogTriggered = &Message{
		Event: "worker_hung", Reason: "watchdog_asked", Level: levelWarn,
		Text:  "worker {worker_pid} sent WATCHDOG=trigger: it gets {signal}, and its client loses the connection; see its output just above",
		Means: "The worker's own check has failed.",
		Do:    "See the worker's own output just above.",
	}
	RetireTimeout = &Message{
		Event: "worker_hung", Reason: "retire_timeout", Level: levelWarn,
		Text:  "worker {worker_pid} was asked to retire and is still busy after retire-timeout= (--retire-timeout): it gets {signal}, and its client loses the connection; raise the timeout if requests take that long",
		Means: "It was asked by a reload, by surplus, or at the end of its lifetime.",
		Do:    "Raise `retire-timeout=` if requests take that long.",
	}
	RetireIgnored = &Message{
		Event: "worker_hung", Reason: "retire_ignored", Level: levelWarn,
		Text:  "worker {worker_pid} was asked to retire, is idle and did not exit: it gets {signal}; let it exit on the retire signal, set another retire-signal= (--retire-signal), or set NonBlocking=yes in the service if it waits in accept",
		Means: "No client is affected.",
		Do:    "Let the worker exit on the retire signal, or set another `retire-signal=`. If it waits in accept on a blocking socket, set `NonBlocking=yes` in the service.",
	}
	StopTimeout = &Message{
		Event: "worker_hung", Reason: "stop_timeout", Level: levelWarn,
		Text:  "worker {worker_pid} is still there after stop-timeout= (--stop-timeout): it gets {signal}, and its client loses the connection; raise the timeout if requests take that long",
		Means: "The service is being stopped. One that was idle ignores the retire signal.",
		Do:    "Raise `stop-timeout=` if requests take that long, and `TimeoutStopSec=` above it.",
	}
	KilledAtOnce = &Message{
		Event: "worker_hung", Reason: "stop", Level: levelWarn,
		Text:  "worker {worker_pid} has to end at once: it gets {signal}, and its client loses the connection",
		Means: "The service got a second signal to stop.",
	}
	Suspect = &Message{
		Event: "suspect", Level: levelWarn,
		Text:  "worker {worker_pid} reports idle but does not accept, with {waiting client} waiting: one more worker is started; check whether it hangs, or set worker-watchdog= (--worker-watchdog)",
		Means: "The worker hangs, or says idle and accepts later, or not on all sockets. It is logged once for each worker.",
		Do:    "`strace -p PID` shows whether it hangs; `worker-watchdog=` has hung workers killed.",
	}
	ReportRejected = &Message{
		Event: "report_rejected", Level: levelWarn,
		Text:  "a report of worker {worker_pid} is ignored: {cause}; fix the worker (further ones of it are only counted)",
		Means: "The worker breaks the contract of availd-worker(7), or of availd-postfix(7). Nothing else changes.",
		Do:    "Compare what the worker sends with availd-worker(7).",
	}
	StrangerRejected = &Message{
		Event: "report_rejected", Reason: "no_worker", Level: levelInfo,
		Text:  "reports of processes that are no workers are ignored, such as {pid} of user {uid}; if a worker started it, set notify-access= (--notify-access) to all (further ones are only counted)",
		Means: "Any process can send to the socket; only workers are believed.",
		Do:    "If a program that the worker started reports for it, set `notify-access=all`. Else find out who that process is.",
	}
	QuiesceDenied = &Message{
		Event: "quiesce_denied", Level: levelWarn,
		Text:  "{cause}: they get SIGTERM to retire, and lose what they hold if they do not finish on it; set retire-signal= (--retire-signal) to a signal that they finish on",
		Means: "To look at a worker takes the same user as availd, or root, and under `PrivateUsers=yes` that this availd has started it. For five seconds a moment is waited for in which nobody is connected to its TCP sockets. Workers that have started processes that accept, too, cannot be ended between two connections.",
		Do:    "Set `retire-signal=` to a signal on which the program finishes its requests. An arbiter or master process, which leaves accepting to its children, must not be retired by `quiesce`.",
	}
	Starts = &Message{
		Event: "birth", Level: levelDebug,
		Text:  "a worker is started",
		Means: "With its generation.",
	}
	StartNotExecuted = &Message{
		Event: "death", Reason: "not_started", Level: levelDebug,
		Text:  "a worker could not be started",
		Means: "With its pid, its generation and the cause.",
	}
	Retires = &Message{
		Event: "death", Reason: "retire", Level: levelDebug,
		Text:  "a worker is asked to retire",
		Means: "With its pid and generation.",
	}
	Ended = &Message{
		Event: "death", Level: levelDebug,
		Text:  "a worker has ended",
		Means: "With its pid, its generation and how.",
	}
)
