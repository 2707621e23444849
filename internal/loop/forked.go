package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file enters workers that a template has forked, when they or the template say what has
// come of an order (hearTemplate calls it), and gives them process groups of their own, for
// which forkOrdered calls separate in every turn.

// hearForked acts on the word of a worker that it is there.
func (s *templates) hearForked(t *templateProc, m *template.Message) {
	p := s.procs[-int(m.Generation)]
	known := s.procs[m.PID] != nil || m.PID <= 0
	ordered := p != nil && p.order != nil && (p.order.to == t || t.inherits && p.order.to != nil && p.order.to.inherits)
	switch {
	case known || m.PID == t.PID:
		s.rejectPacket(t, m, event.NotThatWorker.With(event.Generation(m.Generation)))
		return
	case !ordered && !s.isFamily(t, m.PID):
		s.rejectPacket(t, m, event.NotOrdered.With(event.Generation(m.Generation)))
		return
	}
	process, err := s.seams.Templates.Forked(m, t.Process, !t.inherits)
	m.PIDFD = -1 // it is taken
	if err != nil {
		s.rejectPacket(t, m, event.NotTakenOver.With(event.Generation(m.Generation), event.Why(err.Error())))
		return
	}
	if !ordered { // nobody waits for it any more
		s.rejectPacket(t, m, event.OrderedNoMore.With(event.Generation(m.Generation)))
		s.workers.discard(process)
		return
	}
	s.enterForked(t, p, process)
}

// hearFailed acts on the word of the template, or of the process between it and the
// worker, that there will be no worker.
func (s *templates) hearFailed(t *templateProc, m *template.Message) {
	p := s.procs[-int(m.Generation)]
	switch {
	case p == nil || p.order == nil || p.order.to != t:
		s.rejectPacket(t, m, event.NotOrdered.With(event.Generation(m.Generation)))
	case s.procs[m.PID] != nil || m.PID != t.PID && !s.isFamily(t, m.PID):
		s.rejectPacket(t, m, event.NoFork.With())
	default:
		why := event.CannotFork.With(event.Why(m.Reason))
		if m.Reason == "" {
			why = event.NoForkReason.With()
		}
		s.failOrder(p, why, false)
	}
}

// isFamily: a process is in the template's own group, as are its forks until they are
// taken over.
func (s *templates) isFamily(t *templateProc, pid int) bool {
	return s.seams.Templates.Group(pid) == t.PID
}

// enterForked makes an order a worker like any other.
func (s *templates) enterForked(t *templateProc, p *proc, process spawn.Process) {
	o, id := p.order, p.PID
	o.to.orders--
	t.forks++
	t.last = s.now - o.sent
	t.sum += t.last
	if !s.enterOrdered(p, process) {
		return
	}
	p.startOver, p.adopted = true, t.inherits
	if p.Alone && !t.inherits {
		s.joint = append(s.joint, joint{p, s.now, s.now})
	}
	s.apply(s.policy.Identified(s.now, id, p.PID))
	switch {
	case p.forced:
		s.send(p, unix.SIGKILL, true)
	case o.retired:
		s.retirees.ask(p)
	}
}

// enterOrdered gives p its process; false: it cannot be watched, and the order has failed.
func (s *templates) enterOrdered(p *proc, process spawn.Process) bool {
	id := p.PID
	delete(s.procs, id)
	p.Process, p.order = process, nil
	if s.cfg.ReportFD >= 0 {
		p.inode = pidfdInode(process.FD)
	}
	if err := s.workers.watch(p); err != nil {
		s.workers.discard(process)
		p.Process, p.order = spawn.Process{PID: id, FD: -1}, &order{}
		s.failOrder(p, err, false)
		return false
	}
	if p.slot >= 0 {
		s.seams.Keep.Started(p.slot, p.Process)
	}
	s.memory.storeLater(p)
	return true
}

// joint is a worker that is in its template's process group: the process between the two
// has not ended yet, so that it is no child of this process.
type joint struct {
	proc       *proc
	since, due policy.Instant
}

// The pauses between two tries to give a worker its group, and how long that may take.
const (
	firstTry  = time.Millisecond
	jointLong = time.Second
)

// separate gives workers process groups of their own.
func (s *templates) separate() {
	rest := s.joint[:0]
	for _, j := range s.joint {
		switch {
		case s.procs[j.proc.PID] != j.proc:
		case s.now < j.due:
			rest = append(rest, j)
		case s.seams.Templates.OwnGroup(j.proc.Process):
			j.proc.Alone = false
		case s.now >= j.since+jointLong:
			s.say(event.NoGroup, event.Worker(j.proc.PID, j.proc.generation))
		default:
			j.due = s.now + max(firstTry, s.now-j.since)
			rest = append(rest, j)
		}
	}
	clear(s.joint[len(rest):])
	s.joint = rest
}

// allSeparate reports whether no worker is in the process group of a template any more.
func (s *templates) allSeparate() bool {
	for i := range s.joint {
		s.joint[i].due = s.now
	}
	s.separate()
	return len(s.joint) == 0
}
