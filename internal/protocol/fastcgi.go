package protocol

import "github.com/availd/availd/spawn"

// FastCGI is for unmodified FastCGI programs, which accept on their standard input.
var FastCGI = &Protocol{
	Name: "fastcgi", Programs: "FastCGI programs such as php-cgi",
	OneSocket: "a fastcgi worker has one, as descriptor 0",
	Preloads:  true, Infers: true, Retire: "quiesce", Rules: inferring,
	Handover: func(g Given) spawn.Handover {
		return spawn.Handover{Files: []int{g.Sockets[0].FD, 1, 2}} // FCGI_LISTENSOCK_FILENO
	},
	Refuses: map[string]Refusal{
		"max-requests":    {noJobs, "use --preload, or the program's own limit, PHP_FCGI_MAX_REQUESTS for php-cgi"},
		"worker-watchdog": {Why: noWatchdog},
	},
}
