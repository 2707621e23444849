package event

// Messages about requests that take long, and workers that take much.
var (
	SlowRequest = &Message{
		Event: "slow", Level: levelWarn,
		Text:  "worker {worker_pid} has been at one request for {took}: {cause}; look into what it waits for, or raise slow-after= (--slow-after)",
		Means: "Logged once a request, with what the worker was seen to do: the system call, and the peer, the file or the path that it is about. `AVAILD_CALL`, `AVAILD_ON`, `AVAILD_PROCESS_STATE`, `AVAILD_CPU_MS` (within `AVAILD_CPU_WITHIN_MS`) and `AVAILD_WORKER_STATUS` have the same for programs. Of a worker of several threads the one is told that most likely has the request. The worker goes on.",
		Do:    "A peer that does not answer: see whether it is up, and give the program a timeout for it. A lock or a file: see who holds it (`lslocks`, `fuser`). It computes: `slow-signal=` has many runtimes print where. \"A system call that availd may not see\": availd and the workers run as different users, or the program has made itself undumpable.",
	}
	WorkerLarge = &Message{
		Event: "worker_large", Level: levelInfo,
		Text:  "worker {worker_pid} takes {size}, more than max-memory= (--max-memory): it is retired when it has finished its request, and another takes its place",
		Means: "Its anonymous memory, in pages and in swap, with that of what it has started; of a fork only what it does not share. If this comes often, the program leaks, or the size is too small for it: then each start is for a few requests. `availd_workers_too_large_total` counts.",
	}
	SlowSignalUnhandled = &Message{
		Event: "slow_signal", Level: levelWarn,
		Text:  "worker {worker_pid} has no handler for {signal}, which may end it: it was not sent; have the program install one, such as by faulthandler.register of Python, or set slow-signal= (--slow-signal) to none",
		Means: "A signal without a handler ends most programs, so it is sent to those only that have one.",
		Do:    "Have the program install a handler that prints its stack, or set `slow-signal=none`.",
	}
)
