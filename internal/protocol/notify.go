package protocol

import (
	"strconv"
	"strings"

	"github.com/availd/availd/spawn"
)

// Notify is for workers that were written for availd: they accept on the listening sockets
// and report by datagrams of sd_notify(3).
var Notify = &Protocol{
	Name: "notify", Programs: "workers that send READY=1 want",
	FirstSocket: 3, Datagrams: true, Polls: true, Reports: true, HearsStress: true,
	Retire: "TERM", Handover: listeners,
	Refuses: map[string]Refusal{preloadOption: {Instead: "use --protocol=queue if the program does not report"}},
}

// listeners hands over the listening sockets as sd_listen_fds(3) looks for them, and where
// to report.
func listeners(g Given) spawn.Handover {
	h := spawn.Handover{Files: []int{spawn.Null, 1, 2}, PIDs: []string{"LISTEN_PID"}}
	var names []string
	for _, s := range g.Sockets {
		h.Files, names = append(h.Files, s.FD), append(names, s.Name)
	}
	h.Env = []string{
		"LISTEN_FDS=" + strconv.Itoa(len(names)),
		"LISTEN_FDNAMES=" + strings.Join(names, ":"),
	}
	if g.Reports != "" {
		h.Env = append(h.Env, "NOTIFY_SOCKET="+g.Reports)
	}
	if g.Watchdog > 0 {
		h.Env = append(h.Env, "WATCHDOG_USEC="+strconv.FormatInt(g.Watchdog.Microseconds(), 10))
		h.PIDs = append(h.PIDs, "WATCHDOG_PID")
	}
	return h
}
