package loop

import (
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file follows programs that go into the background. The exit of a worker asks
// leaveToHeir before the policy hears of it; a reload and a stop ask such processes to
// retire (askHeirs).
//
// A program that puts itself into the background forks and ends: to availd its worker
// has exited with status 0, and a process that nobody knows accepts in its place. Such
// a process would not count against the limit, so that every start left one more of
// them. So it takes over the slot of the worker: it is not available, and is asked to
// retire when the service stops or is reloaded, and the policy says what it is.

// leaveToHeir gives the slot of a worker that has ended to the process that it has left
// behind; false: there is none, or the end is none of this kind.
func (e *exits) leaveToHeir(p *proc, end policy.End) bool {
	if !end.Good() || e.cfg.PerConnection || p.Channel != 0 || p.by != 0 || e.policy.Retiring(p.PID) && !p.heir {
		return false
	}
	if e.templates.awaitForks() {
		return false // whom nobody knows may be the answer to an order
	}
	age := e.now - p.timing.started
	process, found := e.seams.Heir(p.PID, age, func(pid int) bool { return e.procs[pid] != nil || e.templates.familyOf(pid) != nil })
	if !found {
		return false
	}
	heir := &proc{
		Process: process, generation: p.generation, slot: -1, adopted: true, heir: true,
		timing: timing{started: p.timing.started, proven: true},
	}
	if err := e.workers.watch(heir); err != nil {
		_ = nowait.Close(process.FD)
		return false
	}
	e.keepHeir(heir)
	e.apply(e.policy.Background(e.now, p.PID, process.PID))
	return true
}

// keepHeir writes it down, as a start that has happened.
func (e *exits) keepHeir(p *proc) {
	slot, err := e.seams.Keep.Intend(p.generation, p.timing.started, false)
	if err != nil {
		return
	}
	p.slot = slot
	e.seams.Keep.Started(slot, p.Process)
	e.memory.storeLater(p)
}

// askHeirs asks processes in the background to retire, as any worker of an older
// configuration or of a service that stops. The policy does not, as for it they are
// leaving already.
func (s *retirees) askHeirs() {
	for _, p := range s.procs {
		if p.heir {
			p.heir = false
			s.ask(p)
		}
	}
}
