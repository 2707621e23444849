package protocol

import (
	"time"

	"github.com/availd/availd/policy"
)

// Queue is for unmodified programs that accept on the listening sockets and know nothing of
// availd: who is busy is inferred from the accept queues.
var Queue = &Protocol{
	Name: "queue", Preloads: true, FirstSocket: 3, Infers: true, Retire: "quiesce", Handover: listeners, Rules: inferring,
	Refuses: map[string]Refusal{
		"max-requests":    {noJobs, "use --preload, or the program's own limit, such as gunicorn's --max-requests, or --max-lifetime"},
		"worker-watchdog": {noWatchdog, "use --protocol=notify if they can send it, else the program's own watchdog"},
	},
}

// Why options are refused where workers do not report.
const (
	noJobs     = "workers do not report their jobs, so nobody can count them"
	noWatchdog = "workers have no socket to send WATCHDOG=1 to"
)

// provenAfter is the age at which who does not report is taken for ready.
const provenAfter = time.Second

// inferring are the rules of workers that do not report, or may not.
func inferring(c *policy.Config, s Settings) {
	c.QueueDelay, c.ProvenAfter, c.ProvenByReport = s.QueueDelay, provenAfter, s.Preload
	c.StressAfterReport = s.StressAuto
}
