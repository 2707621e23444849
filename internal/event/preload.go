package event

// Why workers do not report through the shared object of --preload any more. The texts end
// alike: what follows is the same.
var (
	PreloadNotLoaded = &Message{
		Event: "preload_ended", Reason: "not_loaded", Level: levelWarn,
		Text:  "the shared object of preload= (--preload) was not loaded into worker {worker_pid}: until a reload availd infers from the queue who is busy, requests are not counted, and max-requests= (--max-requests) does nothing; set preload= (--preload) to no",
		Means: "The dynamic linker does not load it into static and setuid programs, nor into those for another machine.",
		Do:    "Set `preload=no`.",
	}
	PreloadNeverWaits = &Message{
		Event: "preload_ended", Reason: "never_waits", Level: levelWarn,
		Text:  "worker {worker_pid} has not waited for a client itself within start-timeout= (--start-timeout): until a reload availd infers from the queue who is busy, requests are not counted, and max-requests= (--max-requests) does nothing; set preload= (--preload) to no",
		Means: "The program leaves that to its children, or uses io_uring; or it takes longer to start.",
		Do:    "Set `preload=no`, or a longer `start-timeout=`.",
	}
	PreloadClients = &Message{
		Event: "preload_ended", Reason: "clients", Level: levelWarn,
		Text:  "worker {worker_pid} holds several clients at once: until a reload availd infers from the queue who is busy, requests are not counted, and max-requests= (--max-requests) does nothing; set preload= (--preload) to no",
		Means: "The shared object can tell what a program does that takes one client at a time.",
		Do:    "Set `preload=no`, or have the program report (`protocol=notify`).",
	}
	PreloadThreads = &Message{
		Event: "preload_ended", Reason: "threads", Level: levelWarn,
		Text:  "worker {worker_pid} accepts in several threads: until a reload availd infers from the queue who is busy, requests are not counted, and max-requests= (--max-requests) does nothing; set preload= (--preload) to no",
		Means: "The shared object can tell what a program does that takes one client at a time.",
		Do:    "Set `preload=no`, or have the program report (`protocol=notify`).",
	}
	PreloadClosed = &Message{
		Event: "preload_ended", Reason: "closed", Level: levelWarn,
		Text:  "worker {worker_pid} has closed the descriptors of the shared object: until a reload availd infers from the queue who is busy, requests are not counted, and max-requests= (--max-requests) does nothing; set preload= (--preload) to no",
		Means: "Some programs close what they have not opened. The shared object needs it to wake availd.",
		Do:    "Set `preload=no`.",
	}
)
