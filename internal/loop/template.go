package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// This file has the template processes of a service, and follows each from its start on. A
// turn calls readTemplates (template_packets.go) before starts are followed, and forkOrdered
// (orders.go) near its end, which tends them first (template_due.go); exits call
// collectTemplate (template_end.go).
//
// A template is a process that has executed the service's command and loaded everything,
// and that forks a worker for each order. orders.go has the orders, forked.go the workers
// that come of them, template_reload.go the templates of a reload, and template_restore.go
// those of an earlier availd.
//
// Packets are read before the Tick of the policy, so that a worker that is there in time is
// not late, and orders are sent at the end of a turn, when all is decided. Nothing here waits
// for a template: sends and reads return at once, and one that does not answer is judged
// by time.

// Templates are the effects on template processes, and on what they fork.
type Templates struct {
	// Start executes a template, of the configuration that a reload has prepared with
	// next. The loop owns the process and the channel; Process.Given is the template's
	// end of it, which the loop closes when the start is over. Its error is as that of
	// [Seams.Start].
	Start func(next bool) (spawn.Process, *template.Channel, error)
	// Order composes the order for a worker.
	Order func(generation uint64, stress bool, slot int) template.Order
	// Room reports why there is none for the descriptors of one more worker.
	Room func() error
	// Forked takes over a worker that the template has forked, of which m tells, and m's
	// pidfd. ours: the template was started by this process, and not by an earlier one.
	Forked func(m *template.Message, t spawn.Process, ours bool) (spawn.Process, error)
	// OwnGroup gives such a worker a process group of its own; false: it is no child of
	// this process yet.
	OwnGroup func(p spawn.Process) bool
	// Group is the process group of a process, 0 if there is no such process. Threads is
	// how many threads one has, 0 = not known.
	Group   func(pid int) int
	Threads func(pid int) int
	// Foreign has it looked which connections a template has open that forks would share,
	// and calls done from another goroutine with what they are connected to.
	Foreign func(p spawn.Process, done func([]string))
	// Keep gives the service manager copies of our end of the channel and of the
	// template's pidfd; Forget takes them back.
	Keep   func(t spawn.Process, channel int)
	Forget func(t spawn.Process)
}

// templateProc is one template process.
type templateProc struct {
	spawn.Process
	channel  *template.Channel
	proc     *proc // as which it is looked at and signalled; see asProc
	inherits bool  // an earlier availd has started it: its forks are not our children
	serves   bool  // it may be a program that did not become a template, and hold a client
	state    templateState
	starting bool           // its start is not over
	started  policy.Instant // for a deadline, and its age
	due      policy.Instant // the next thing to do about it, by its state; 0 = nothing
	overdue  bool           // an order was not answered in time
	silent   policy.Instant // it has closed its end, and has to have ended by then; 0 = it has not
	asked    bool           // it was sent SIGTERM
	killed   bool
	end      policy.End

	unexecuted error // why the command could not be executed

	orders  int        // sent and not answered
	losses  int        // processes of its group that have ended without a word
	lastEnd policy.End // of those
	forks   uint64
	last    time.Duration // from the latest order to its answer
	sum     time.Duration // of all of them
}

type templateState uint8

const (
	templateLoading templateState = iota // it has not said READY=1
	templateReady
	templateLeaving // it is to exit, and gets no order
	templateEnded   // the process is gone; what it has forked may still be heard
)

const (
	// answerPatience is how long a template that is to exit may take for the orders that
	// it has, and leavePatience how long until it has exited on SIGTERM.
	answerPatience = 2 * time.Second
	leavePatience  = 5 * time.Second
	// servePatience is how long a program that did not become a template may hold a client.
	servePatience = time.Minute
	// lastWords is how long a fork of a template that has ended may take to say that it
	// is there.
	lastWords = 500 * time.Millisecond
	// maxPackets bounds what is read of a template in a turn.
	maxPackets = 256
	// livedLong is the age from which on the end of a template is no startup failure, so
	// that the next one is started before somebody needs it.
	livedLong = 10 * time.Second
)

// templates are those of a service.
type templates struct {
	*core
	workers  *workers
	starts   *starts
	memory   *memory
	board    *boardSlots
	retirees *retirees
	reloads  *reloads

	current *templateProc   // orders go to it; nil = there is none
	earlier *templateProc   // of the revision before, until the new one is proven
	coming  *templateProc   // of a reload that waits for it
	all     []*templateProc // each until nothing can come of it any more
	off     bool            // workers are started by executing the command all the same
	eager   bool            // a template is to be started although no worker is asked for
	ordered bool            // orders were added since the latest look
	idle    policy.Instant  // since when there is no worker; 0 = there are some
	scratch template.Message
	unsent  []*proc // scratch of forkOrdered
	joint   []joint // workers that are in the group of their template
}

// forksWorkers: workers are forked by a template.
func (s *templates) forksWorkers() bool { return s.cfg.Template && !s.off }

// startTemplate executes one. On error nothing has changed.
func (s *templates) startTemplate(next bool) (*templateProc, error) {
	p, channel, err := s.seams.Templates.Start(next)
	if err != nil {
		return nil, err
	}
	t := &templateProc{Process: p, channel: channel, started: s.now, starting: true}
	if err := s.watchTemplate(t); err != nil {
		_ = s.seams.Signal(p, unix.SIGKILL, true)
		_ = nowait.Close(p.Given)
		_ = nowait.Close(channel.Disown())
		s.workers.discarded = append(s.workers.discarded, p)
		s.workers.due = s.now + watchAgain
		return nil, err
	}
	s.starts.due = s.now + firstLookAtStart
	s.seams.Templates.Keep(p, channel.FD())
	s.say(event.TemplateStarts, event.Template(p.PID))
	return t, nil
}

// watchTemplate enters t. On error it is not entered.
func (s *templates) watchTemplate(t *templateProc) error {
	if err := s.epoll.add(t.FD, unix.EPOLLIN, kindTemplate); err != nil {
		return err
	}
	if err := s.epoll.add(t.channel.FD(), unix.EPOLLIN, kindTemplate); err != nil {
		_ = s.epoll.remove(t.FD)
		return err
	}
	s.all = append(s.all, t)
	return nil
}

// followTemplate finds out whether the start of t is over.
func (s *templates) followTemplate(t *templateProc) {
	if !t.starting {
		return
	}
	over, err := s.seams.Executed(t.Process)
	if !over {
		return
	}
	t.starting, t.unexecuted = false, err
	if t.Given > 0 {
		_ = nowait.Close(t.Given)
		t.Given = 0
	}
}

// asProc is t as the likes of retirees know processes. It is in no table of workers.
func (t *templateProc) asProc() *proc {
	if t.proc == nil {
		t.proc = &proc{Process: t.Process, program: t}
	}
	return t.proc
}

// leavePlace: t gets no order any more.
func (s *templates) leavePlace(t *templateProc) {
	switch t {
	case s.current:
		s.current = nil
	case s.earlier:
		s.earlier = nil
	case s.coming:
		s.coming = nil
	}
}

// familyOf is the template to whose process group a process belongs; nil = it is in none.
func (s *templates) familyOf(pid int) *templateProc {
	if len(s.all) == 0 {
		return nil
	}
	group := s.seams.Templates.Group(pid)
	for _, t := range s.all {
		if t.PID == group {
			return t
		}
	}
	return nil
}

// state is what is shown of the template that takes orders; nil = there is none.
func (s *templates) state() *status.Template {
	t := s.current
	if t == nil {
		return nil
	}
	shown := &status.Template{PID: t.PID, Ready: t.state == templateReady, AgeSeconds: (s.now - t.started).Seconds(), Forks: t.forks}
	if t.forks > 0 {
		last, mean := t.last.Seconds(), (t.sum / time.Duration(t.forks)).Seconds()
		shown.LastFork, shown.MeanFork = &last, &mean
	}
	return shown
}
