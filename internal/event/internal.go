package event

// Messages about what the operating system, or the service manager, should not have
// refused. Each says what is worse from now on.
var (
	StateLost = &Message{
		Event: "internal", Reason: "state_lost", Level: levelError,
		Text:  "the state of the earlier availd cannot be used ({cause}): its workers are looked for in the control group, and count as busy until they report",
		Means: "Counters begin at 0.",
		Do:    "Nothing has to be done after an update across incompatible versions. Otherwise report it.",
	}
	ReportsLost = &Message{
		Event: "internal", Reason: "reports_lost", Level: levelWarn,
		Text:  "the earlier report socket cannot be used ({cause}): another one is opened, and workers that have the old one are replaced as they finish",
		Means: "Adopted workers cannot report, so they count as busy.",
		Do:    "If it comes back, check the runtime directory.",
	}
	HistoryLost = &Message{
		Event: "internal", Reason: "history_lost", Level: levelInfo,
		Text:  "the history that the earlier availd has kept cannot be used ({cause}): the charts of the last day begin anew",
		Means: "The two versions keep it in different forms. Nothing else is lost.",
	}
	NoHistory = &Message{
		Event: "internal", Reason: "no_history", Level: levelWarn,
		Text:  "no memory that outlives availd ({cause}): the charts of the last day begin anew after a crash or an upgrade; check memory and descriptors",
		Means: "Everything else works as before.",
		Do:    "Memory or descriptors are short; restart the service when they are not.",
	}
	ControlLost = &Message{
		Event: "internal", Reason: "control_lost", Level: levelInfo,
		Text:  "the earlier control socket cannot be used ({cause}): another one is opened",
		Means: "Nothing is lost.",
	}
	BoardLost = &Message{
		Event: "internal", Reason: "board_lost", Level: levelWarn,
		Text:  "the earlier availability board cannot be used ({cause}): another one is made, and the workers that are on the old one are replaced",
		Means: "The board is memory in which workers show whether they are idle.",
	}
	NoBoard = &Message{
		Event: "internal", Reason: "no_board", Level: levelWarn,
		Text:  "no availability board ({cause}): workers report by datagrams, which costs more CPU for each request; check memory and descriptors",
		Means: "Everything else works as before.",
		Do:    "Memory or descriptors are short; restart the service when they are not.",
	}
	NoBoardToPreload = &Message{
		Event: "internal", Reason: "no_board_to_preload", Level: levelWarn,
		Text:  "no memory that workers could report in ({cause}): availd infers from the queue who is busy, as with preload= (--preload) set to no; check memory and descriptors",
		Means: "Requests are not counted.",
		Do:    "Memory or descriptors are short; restart the service when they are not.",
	}
	NoControl = &Message{
		Event: "internal", Reason: "no_control", Level: levelWarn,
		Text:  "no control socket ({cause}): availd status, reload and upgrade cannot reach this service; set control= (--control) or RuntimeDirectory= of the unit",
		Means: "Clients are served as usual, and signals work.",
		Do:    "Fix what the cause names, then restart the service. If another availd answers there, two services have one name: set `name=`.",
	}
	NotServed = &Message{
		Event: "internal", Reason: "not_served", Level: levelWarn,
		Text:  "socket {socket} cannot be served by availd ({cause}): its status, metrics or agent check do not answer; check its socket unit",
		Means: "It is a socket for availd itself, not one of the workers.",
		Do:    "Fix what the cause names in the socket unit, then restart both.",
	}
	SocketNames = &Message{
		Event: "internal", Reason: "socket_names", Level: levelWarn,
		Text:  "LISTEN_FDNAMES={names}: the sockets are served all the same; set FileDescriptorName= in the socket unit",
		Means: "The variable does not name every socket, or has names that systemd does not permit.",
		Do:    "Set `FileDescriptorName=` in the socket unit.",
	}
	WatchdogIgnored = &Message{
		Event: "internal", Reason: "watchdog", Level: levelWarn,
		Text:  "the service manager's watchdog is not fed: {cause}; check WatchdogSec= of the unit",
		Means: "WATCHDOG_USEC makes no sense.",
		Do:    "Remove `Environment=WATCHDOG_USEC=` from the unit.",
	}
	ManagerUntold = &Message{
		Event: "internal", Reason: "manager", Level: levelWarn,
		Text:  "the service manager cannot be notified ({cause}): systemctl status may be out of date; check NotifyAccess= of the unit",
		Means: "It is tried again with the next change.",
		Do:    "If it comes often, systemd is overloaded, or the unit has no `NotifyAccess=main`.",
	}
	SlowStarts = &Message{
		Event: "internal", Reason: "slow_starts", Level: levelInfo,
		Text:  "workers are started by way of a helper process, which takes a few milliseconds more: {cause}; see SystemCallFilter= of the unit, or use Linux 5.11 or later",
		Means: "The fast way needs a system call that is refused here.",
	}
	NotRecorded = &Message{
		Event: "internal", Reason: "not_recorded", Level: levelError,
		Text:  "a new worker cannot be recorded ({cause}): it would not be adopted if availd crashed; check memory",
		Means: "It is started nevertheless.",
		Do:    "Memory is short: free some, or raise `MemoryMax=`.",
	}
	ReportsUnreadable = &Message{
		Event: "internal", Reason: "reports_unreadable", Level: levelError,
		Text:  "reports cannot be read ({cause}): who is busy or idle is not known until they can; restart the service if it lasts",
		Means: "Workers go on serving, and are counted as they reported last.",
		Do:    "Restart the service if it lasts.",
	}
	NotCollected = &Message{
		Event: "internal", Reason: "not_collected", Level: levelError,
		Text:  "processes that others left behind cannot be collected ({cause}): they stay as zombies",
		Means: "availd is process 1 of a container, or a subreaper.",
	}
	NotSignalled = &Message{
		Event: "internal", Reason: "not_signalled", Level: levelError,
		Text:  "worker {worker_pid} cannot be signalled ({cause}): it goes on, and the signal is sent again while it lives; check its user and the restrictions of the unit",
		Means: "The worker has changed its user, or a filter forbids the signal.",
		Do:    "Let workers run as the user of availd, or availd as root; see `SystemCallFilter=` of the unit.",
	}
	ManagerSilent = &Message{
		Event: "internal", Reason: "manager_silent", Level: levelInfo,
		Text:  "systemd cannot be asked about socket {socket} ({cause}): it is not made anew in that way",
		Means: "A socket was shut down, or its path is gone. Without D-Bus only root can ask.",
	}
	NotAsked = &Message{
		Event: "internal", Reason: "not_asked", Level: levelError,
		Text:  "worker {worker_pid} cannot be asked to retire ({cause}): it goes on until it exits by itself",
		Means: "Its status channel cannot be shut down.",
	}
	ChannelKept = &Message{
		Event: "internal", Reason: "channel", Level: levelError,
		Text:  "a status channel cannot be removed ({cause}): availd may use more CPU; restart the service when it suits, and report it",
		Means: "A fault of availd or of the kernel.",
	}
	PidfdKept = &Message{
		Event: "internal", Reason: "pidfd", Level: levelError,
		Text:  "the pidfd of a worker that has ended cannot be removed ({cause}): availd may use more CPU; restart the service when it suits, and report it",
		Means: "A fault of availd or of the kernel.",
	}
	EndUnknown = &Message{
		Event: "internal", Reason: "end_unknown", Level: levelError,
		Text:  "worker {worker_pid} has ended, and how is not known ({cause}): it counts as a clean exit",
		Means: "Another process has collected its status.",
	}
	EndUnwatched = &Message{
		Event: "internal", Reason: "end_unwatched", Level: levelError,
		Text:  "the end of worker {worker_pid} cannot be watched for ({cause}): its place in the limit may come free late, and it is tried again every second; check memory and fs.epoll.max_user_watches",
		Means: "The worker serves as usual.",
		Do:    "Raise `fs.epoll.max_user_watches` with sysctl(8), or free memory.",
	}
)
