package protocol

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Inetd is for unmodified programs of inetd: each process serves the one connection that it
// is started for, on its standard input and output.
var Inetd = &Protocol{
	Name: "inetd", Programs: "programs of inetd, which talk on standard input and output,",
	NonBlocking: true, PerConnection: true, Retire: "TERM", Rules: sessions, Handover: connection,
	Refuses: map[string]Refusal{
		"template":        {Why: "a process is started with its connection, which no order can hand to a template"},
		"min-spare":       {Why: "a process is started for a connection and cannot wait for one"},
		"max-requests":    {Why: oneConnection},
		"max-memory":      {oneConnection, "use MemoryMax= of the unit"},
		"max-lifetime":    {oneConnection, "use --busy-timeout to end long ones"},
		"retire-timeout":  {"processes are not asked to retire but by a stop", "use --stop-timeout or --busy-timeout"},
		"retire-signal":   {Why: "processes are not asked to retire, and get TERM when half of --stop-timeout is over"},
		"stress":          {oneConnection + ", and none is ended for another", "use flag"},
		"worker-watchdog": {"processes have no socket to send WATCHDOG=1 to", "use --busy-timeout"},
		"notify-access":   {Why: noReports},
		"notify-socket":   {Why: noReports},
	},
}

// Why options are refused: most rules about workers have nothing to act on.
const (
	oneConnection = "a process serves the one connection that it is started for"
	noReports     = "there are no reports"
)

// sessions are the rules of workers that are started with their connection: they are never
// signalled but by a stop, and their clients' doing is not theirs.
func sessions(c *policy.Config, _ Settings) {
	c.PerConnection, c.ExecFailed, c.TermAtHalf = true, spawn.ExitExec, true
	c.NoRetireSignal, c.NoStressRestart, c.AbortSignal = true, true, int(unix.SIGTERM)
	c.QuickExit, c.StallGuard, c.StartTimeout, c.MaxStarting, c.AsleepApart = 0, 0, 0, 1, false
}

// connection hands over a connection as input and output. The variables are those that
// systemd tells a service of Accept=yes (systemd.exec(5)); what availd itself was told is
// another's.
func connection(g Given) spawn.Handover {
	c := g.Conn
	h := spawn.Handover{Files: []int{c.FD, c.FD, 2}, Env: []string{"REMOTE_ADDR", "REMOTE_PORT"}}
	if c.Address != "" {
		h.Env[0] += "=" + c.Address
	}
	if c.Port != "" {
		h.Env[1] += "=" + c.Port
	}
	return h
}
