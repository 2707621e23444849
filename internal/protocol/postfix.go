package protocol

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Postfix is for Postfix's own daemons, which take availd for its master(8).
var Postfix = &Protocol{
	Name:        "postfix",
	FirstSocket: 6, Datagrams: true, NonBlocking: true, Channel: true, HearsStress: true,
	Rules: masters, Handover: masterHandover, CheckCommand: checkSocketCount,
	Refuses: map[string]Refusal{
		"retire-signal": {
			"daemons are asked to retire by the end of their status channel, and a signal would cut their client off",
			"use none if they are to leave by Postfix's own max_idle and max_use alone",
		},
		"template":        {Why: "each daemon has a status channel of its own, and Postfix's daemons know nothing of templates"},
		"worker-watchdog": {"daemons do not send WATCHDOG=1", "use Postfix's own daemon_timeout"},
		"notify-access":   {Why: "daemons report on a channel that nobody else has"},
		"notify-socket":   {Why: "daemons report on a channel of their own"},
		sourceOption:      {Instead: "use smtpd_client_connection_count_limit"},
	},
}

const (
	// quickExits: daemons may leave at once for a good reason, but not always.
	quickExits = 3
	// lockedTimeout is how long an idle daemon may take to retire. All idle daemons but one
	// wait for the lock before accept, in which they do not hear that they are to leave;
	// how long depends on the clients, and on max_idle of postconf(5).
	lockedTimeout = time.Hour
)

// masters are the rules of workers that are asked by their status channel.
func masters(c *policy.Config, s Settings) {
	c.NoRetireSignal = s.RetireNone
	c.QuickExits, c.ProvenAfter, c.IgnoreTimeout, c.StartTimeout = quickExits, provenAfter, lockedTimeout, 0
}

// masterHandover is what master(8) gives its daemons (master_proto.h): the flow pipe on 3
// and 4, the status channel on 5, the listening sockets from 6 on, and GENERATION in octal.
func masterHandover(g Given) spawn.Handover {
	h := spawn.Handover{
		Files: []int{spawn.Null, 1, 2, g.Flow[0], g.Flow[1], g.Channel},
		Env:   []string{"GENERATION=" + strconv.FormatUint(uint64(uint32(g.Generation)), 8)},
	}
	for _, s := range g.Sockets {
		h.Files = append(h.Files, s.FD)
	}
	return h
}

// checkSocketCount compares the number of sockets with what the daemon is told by
// -s, without which it looks at the first one only: the clients of the others
// would start one daemon after the other, and wait for ever.
func checkSocketCount(args []string, sockets int) error {
	told := socketCount(args)
	if told == sockets {
		return nil
	}
	return fmt.Errorf("the daemon is told of %d sockets and gets %d: write -s %d into the worker's command, or change the ListenStream= lines of the socket unit",
		told, sockets, sockets)
}

// flagsWithValue are the options of Postfix's daemons that take a value.
const flagsWithValue = "imnost"

// socketCount is the value of -s, 1 without, as getopt(3) reads the arguments.
func socketCount(args []string) int {
	count := 1
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			return count
		}
		at := strings.IndexAny(arg[1:], flagsWithValue) + 1
		if at == 0 {
			continue
		}
		value := arg[at+1:]
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		if arg[at] == 's' {
			count, _ = strconv.Atoi(value) // the daemon refuses nonsense itself
		}
	}
	return count
}
