package policy

import "time"

// This file has the rules of workers that each serve one connection. Started calls
// begin, and Exit calls judge instead of the ordinary judgement.

// Sessions are the services whose workers each serve the one connection that
// they are started with (inetd). Such a worker is busy from the start, and how it ends
// is as much its client's doing as its own. So a bad end alone proves nothing:
// a bad start is a command that could not be executed, or more than burstSize
// bad ends within burstPeriod while no worker has ever done well. Else a client
// could stop the service for everybody by crashing its own session.

// sessionHealthy is the age at which a worker has done well.
const sessionHealthy = 10 * time.Second

// sessions is what is known of the ends so far.
type sessions struct {
	*core
	reports  *reports
	exits    *exits
	throttle *throttle

	healthy bool
	burst   burst // of bad ends
}

// begin makes a new worker busy: its connection is its job.
func (n *sessions) begin(w *worker) {
	w.taken = true
	n.reports.become(w, busy)
}

// judge books the end of a worker that was started with its connection.
func (n *sessions) judge(w *worker, e End) {
	if e.Unknown {
		n.counters.UnknownExits++
	}
	if e.Good() || n.hasOld() {
		n.healthy = true
	}
	if n.cfg.ExecFailed != 0 && e.Signal == 0 && e.Code == n.cfg.ExecFailed {
		n.emit(Action{Kind: WarnExitStatus, Worker: w.id, Generation: w.generation, End: e})
		n.exits.badStart(w, Action{Why: ExecFailed, Worker: w.id, End: e, Generation: w.generation})
		return
	}
	n.finish(w)
	if e.Good() || w.told || w.aborted || w.killed {
		return
	}
	if e.Signal != 0 {
		n.emit(Action{Kind: WarnKilled, Worker: w.id, Generation: w.generation, End: e})
	}
	if n.burst.add(n.now) && !n.healthy {
		n.exits.badStart(w, Action{Why: BadEnds, Worker: w.id, End: e, Generation: w.generation})
	}
}

// finish counts a session that is over, however it ended. Starts are good
// again only if that is known of the service: bad ends, which come with every
// start while it is broken, must not make the pauses short.
func (n *sessions) finish(w *worker) {
	w.finished++
	n.counters.Requests++
	if n.healthy {
		n.throttle.recover(w)
	}
}

// hasOld reports whether the oldest worker has lived long enough.
func (n *sessions) hasOld() bool {
	return n.table.oldest != nil && n.now-n.table.oldest.started >= sessionHealthy
}
