package event

// Messages about sockets and the connections that come by them.
var (
	SocketIgnored = &Message{
		Event: "socket_ignored", Reason: "not_accepted", Level: levelWarn,
		Text: "socket {socket}: clients wait and no worker accepts them: at most {most worker} will be started for it until one does; check that the program accepts on this socket, and how long it takes to start",
		Means: "The program does not accept on that socket, or all of its workers hang before they accept. " +
			"availd looked at the kernel's list of connections and at the workers' descriptors.",
		Do: "Make the program accept on that socket (see its own configuration), or give the socket a service of its own. If clients wait at all sockets, see where workers hang: `strace -p PID`.",
	}
	NoneAccepted = &Message{
		Event: "socket_ignored", Reason: "hang", Level: levelWarn,
		Text:  "{waiting client} waiting and none accepted for {took}, with {starting} starting and {ready} idle workers: clients hang; check that the program accepts on the sockets that it is given, and sends READY=1 before",
		Means: "The same of workers that report: they do not accept on the descriptors from 3 on, hang, or take long to start.",
		Do:    "Have the program accept on descriptor 3 and those after it (`LISTEN_FDS`). One that never sends READY=1 needs another `protocol=`. If it takes long to start, set `min-spare=`.",
	}
	SocketAgain = &Message{
		Event: "socket_down", Reason: "listens_again", Level: levelWarn,
		Text: "socket {socket} ({address}) was shut down by a process that shares it: waiting clients were refused, and now it listens again; find the worker that calls shutdown(2) on it, most likely when it is asked to retire",
		Means: "All workers share the listening socket, and one of them has ended its listening. availd has a TCP socket listen again; one of `listen=` is replaced by a new one at its path, with new workers. " +
			"A Unix socket of a socket unit cannot listen again.",
		Do: "Some programs do so on the signal that asks them to retire: set another `retire-signal=`, or have the program close its copy of the socket instead.",
	}
	SocketDead = &Message{
		Event: "socket_down", Reason: "dead", Level: levelError,
		Text:  "socket {socket} ({address}) was shut down by a process that shares it, and cannot listen again ({cause}): all clients are refused; restart the socket unit and the service, then find the worker that calls shutdown(2)",
		Means: "The same, of a socket that the kernel does not let listen again.",
		Do:    "`systemctl restart NAME.socket NAME.service` makes it anew. Then as above.",
	}
	SocketAnew = &Message{
		Event: "socket_down", Reason: "dead_anew", Level: levelError,
		Text: "socket {socket} ({address}) was shut down by a process that shares it, and cannot listen again ({cause}): all clients are refused until systemd has made it anew, which it is asked for; find the worker that calls shutdown(2)",
		Means: "No socket of its unit is in order. As root and in a user's own service manager availd asks for a restart of both units. Elsewhere it ends when its workers have finished; " +
			"then systemd gives the socket unit up, and `availd reap`, which is its `ExecStopPost=`, starts it again. That takes a service that is not started again after an orderly end (`Restart=on-failure`).",
		Do: "Nothing has to be done for the clients. For the worker as above.",
	}
	SocketLeaving = &Message{
		Event: "socket_down", Reason: "leaving", Level: levelWarn,
		Text:  "socket {socket} is made anew by systemd once this service has ended: workers finish what they hold, and then it ends",
		Means: "The next client starts the service again.",
	}
	PathGone = &Message{
		Event: "socket_down", Reason: "path_gone", Level: levelError,
		Text:  "socket {socket}: its path {address} was removed or belongs to another socket: clients do not find it; restart the socket unit and the service, then find what removes it",
		Means: "The socket itself is in order, and nobody can reach it.",
		Do:    "`systemctl restart NAME.socket NAME.service` makes it anew. Then find what removes files there, such as a clean-up job.",
	}
	PathAnew = &Message{
		Event: "socket_down", Reason: "path_anew", Level: levelError,
		Text:  "socket {socket}: its path {address} was removed or belongs to another socket: clients do not find it until systemd has restarted the units, which it is asked for; find what removes it",
		Means: "The same, where availd may ask for a restart.",
		Do:    "Find what removes files there, such as a clean-up job.",
	}
	SourceFull = &Message{
		Event: "connection_closed", Reason: "per_source", Level: levelWarn,
		Text:  "a connection of {client} is closed: it has {most} already; raise max-per-source= (--max-per-source) if that is wrong",
		Means: "The others of the same client go on.",
		Do:    "Nothing has to be done if the client is in the wrong. Else raise `max-per-source=`: behind NAT many clients have one address.",
	}
	NoWorkerInTime = &Message{
		Event: "connection_closed", Reason: "no_worker", Level: levelError,
		Text:  "a connection of {client} is closed: no worker could be started for it within start-timeout= (--start-timeout): {cause}; raise what is short",
		Means: "It was accepted, and kept while starts were refused.",
		Do:    "Raise what is short; the message about workers that cannot be started names it.",
	}
	NoWorkerAtStop = &Message{
		Event: "connection_closed", Reason: "stop", Level: levelError,
		Text:  "a connection of {client} is closed: the service is stopped, and no worker could be started for it",
		Means: "It was accepted, and kept while starts were refused.",
	}
	SocketUnwatched = &Message{
		Event: "internal", Reason: "socket_unwatched", Level: levelError,
		Text:  "socket {socket} cannot be watched ({cause}): its connections start no workers until it can, which is tried every second; check memory and fs.epoll.max_user_watches",
		Means: "Running workers go on serving it.",
		Do:    "Raise `fs.epoll.max_user_watches` with sysctl(8), or free memory.",
	}
)
