package event

// Messages about the pool as a whole: its limit, overload, pauses.
var (
	Full = &Message{
		Event: "full", Level: levelWarn,
		Text:  "the pool is full, {limit worker} busy at limit {limit}: new clients wait in the queue; raise limit= (--limit) if CPU and memory have room, else make requests shorter",
		Means: "No connection is lost while the queue has room. Logged at most once in 1000 seconds.",
		Do:    "If CPU and memory have room, raise `limit=` and reload; if not, make requests shorter or add a machine. How to find the right limit: docs/tuning.md.",
	}
	FullEnds = &Message{
		Event: "full_ends", Level: levelInfo,
		Text:  "the pool is no longer full, after {took}: new clients are served at once",
		Means: "If this comes often, the limit is too low or the workers are too slow.",
	}
	StressBegins = &Message{
		Event: "stress_begins", Reason: "restart", Level: levelWarn,
		Text:  "overload (stress) begins with worker {limit} of {limit}: until {until} new workers get AVAILD_STRESS=yes, and older ones are replaced, a few at a time; if it stays, raise limit= (--limit)",
		Means: "The last place in the limit is being filled. It comes before the pool is full; see availd-stress(7).",
		Do:    "Nothing has to be done if the load is known to come and go. If it stays, raise `limit=`, as for a full pool.",
	}
	StressBeginsForNew = &Message{
		Event: "stress_begins", Reason: "flag", Level: levelWarn,
		Text:  "overload (stress) begins with worker {limit} of {limit}: until {until} new workers get AVAILD_STRESS=yes, and older ones stay as they are; if it stays, raise limit= (--limit)",
		Means: "The same, where running workers cannot be notified or `stress=` says that they are not.",
		Do:    "Nothing has to be done if the load is known to come and go. If it stays, raise `limit=`, as for a full pool.",
	}
	StressEnds = &Message{
		Event: "stress_ends", Level: levelInfo,
		Text:  "overload (stress) ends: new workers start normally",
		Means: "The last place in the limit was not filled for `stress-hold=`.",
	}
	Throttled = &Message{
		Event: "throttle_begins", Level: levelError,
		Text: "no new workers until {until}: {cause}; clients wait in the queue; fix the cause and reload, which tries again at once",
		Means: "A worker failed before it had taken a connection, could not be started at all, or every request crashes. " +
			"Running workers go on serving, and clients wait in the queue. The pause doubles each time, from `throttle=` to `throttle-max=`, until a worker has finished a request. " +
			"\"The worker's command cannot be executed\": its file is there and the system refuses it; look at its interpreter, its library path and the mount options. " +
			"\"The command goes into the background\": the program forks and exits, as a classic daemon does, and the process that it leaves accepts in its place. That process keeps the worker's place in the limit, and is ended by a stop or a reload. " +
			"\"More than ten workers failed within a second\": the program crashes at every request; with `protocol=inetd`, it has never served anybody well.",
		Do: "Read the worker's own output just above, fix the cause, then `systemctl reload NAME` tries again at once. A program that goes into the background needs its option to stay in the foreground (`--foreground`, `--no-daemon`, `daemonize=no`). " +
			"One that crashes at every request: try it by hand, with the service's user and restrictions.",
	}
	Shortage = &Message{
		Event: "throttle_begins", Reason: "shortage", Level: levelError,
		Text: "no worker can be started: {cause}; clients wait in the queue, and it is tried again at least once a second; raise TasksMax=, LimitNPROC=, LimitNOFILE= or MemoryMax= of the unit, or lower limit= (--limit)",
		Means: "The system is short of processes, descriptors or memory. That is no failure of the worker, and no client loses its connection: " +
			"one that availd has accepted (`protocol=inetd`) is kept for up to `start-timeout=`. Logged once, until no start was refused for ten seconds.",
		Do: "Raise what is short: \"resource temporarily unavailable\" is `TasksMax=` or `LimitNPROC=`, \"too many open files\" is `LimitNOFILE=`, \"cannot allocate memory\" is `MemoryMax=` or the machine. No reload is needed.",
	}
	ThrottleEnds = &Message{
		Event: "throttle_ends", Level: levelInfo,
		Text:  "workers are started again: {cause}",
		Means: "If the cause of the pause is not fixed, the next worker begins another one, twice as long.",
	}
	LimitTasks = &Message{
		Event: "limit_unreachable", Reason: "tasks", Level: levelWarn,
		Text:  "TasksMax= allows only {reachable} of {limit worker}: clients will wait as if the limit were lower; raise TasksMax= of the unit, or lower limit= (--limit)",
		Means: unreachable, Do: raise,
	}
	LimitDescriptors = &Message{
		Event: "limit_unreachable", Reason: "descriptors", Level: levelWarn,
		Text:  "LimitNOFILE= allows only {reachable} of {limit worker}, as availd needs {each descriptor} for each: clients will wait as if the limit were lower; raise LimitNOFILE= of the unit, or lower limit= (--limit)",
		Means: unreachable, Do: raise,
	}
	LimitProcesses = &Message{
		Event: "limit_unreachable", Reason: "processes", Level: levelWarn,
		Text:  "LimitNPROC= allows at most {reachable} of {limit worker}, fewer if the user has other processes: clients will wait as if the limit were lower; raise LimitNPROC= of the unit, or lower limit= (--limit)",
		Means: unreachable, Do: raise,
	}
	LimitMemory = &Message{
		Event: "limit_unreachable", Reason: "memory", Level: levelWarn,
		Text:  "memory allows only about {reachable} of {limit worker}, which take {size} each now: clients will wait as if the limit were lower; raise MemoryMax= of the unit, add memory, or lower limit= (--limit)",
		Means: unreachable, Do: raise,
	}
	StoreLimit = &Message{
		Event: "limit_unreachable", Reason: "store_descriptors", Level: levelWarn,
		Text:  "LimitNOFILE= of the unit is {set}, and a pool at its limit has {needed descriptor} in systemd's store: after a crash of availd the service could not start again; set LimitNOFILE={wanted} or more, or lower limit= (--limit)",
		Means: "systemd passes the stored descriptors under the soft limit of the unit, and cannot start a service that has more of them.",
		Do:    "Set the number that the message names with `systemctl edit NAME`, then restart; units that availd units writes have it.",
	}
	StoreSize = &Message{
		Event: "limit_unreachable", Reason: "store_size", Level: levelWarn,
		Text:  "FileDescriptorStoreMax= of the unit is {set}, and a pool at its limit has {needed descriptor} to keep: after a crash of availd some workers are looked for in the control group, and their exit status is not known; set FileDescriptorStoreMax={wanted} or more",
		Means: "What the store has no room for is dropped.",
		Do:    "Set the number that the message names with `systemctl edit NAME`, then restart; units that availd units writes have it.",
	}
)

const (
	unreachable = "Something else ends the growth of the pool before the limit does. It is a forecast: no client waits for it yet. The status shows it, too."
	raise       = "Raise what the message names with `systemctl edit NAME`, or lower `limit=` to what is possible."
)
