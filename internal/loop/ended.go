package loop

import (
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// This file collects workers that have ended. A turn calls reap after all other
// events, so that what a worker has said before its end counts.

// The service manager collects adopted workers; how they ended is known to
// their pidfd only then, milliseconds later. It is asked again after askAgain,
// and given up after askLong.
const (
	askAgain = 2 * time.Millisecond
	askLong  = 100 * time.Millisecond
)

// unreaped is a worker whose end is certain, and the way of it not known yet.
type unreaped struct {
	proc  *proc
	until policy.Instant
}

// exits are those of workers.
type exits struct {
	*core
	workers   *workers
	starts    *starts
	channels  *channels
	board     *boardSlots
	memory    *memory
	reports   *reports
	clients   *clients
	load      *load
	templates *templates

	unreaped []unreaped
}

// reap acts on the exits of this turn: these pidfds are readable.
func (e *exits) reap(ended []int) {
	if len(ended) > 0 && e.policy.Infers() { // what they took is known before they are judged
		e.apply(e.load.sample())
	}
	for _, fd := range ended {
		if p := e.workers.byPidfd[fd]; p != nil {
			e.collect(p)
		}
	}
	e.reapAgain()
}

func (e *exits) collect(p *proc) {
	if p.starting { // that is over now, and is said no more after Wait
		e.starts.follow()
	}
	end, known, err := e.seams.Wait(p.Process)
	if err != nil {
		e.say(event.EndUnknown, event.Worker(p.PID, p.generation), event.Cause(err))
		end, known = policy.End{Unknown: true}, true
	}
	e.channels.readLast(p)
	e.workers.unwatch(p)
	if !known {
		end.Unknown = true
	}
	e.board.detach(p, end)
	if known {
		e.settle(p, end)
		return
	}
	e.unreaped = append(e.unreaped, unreaped{p, e.now + askLong})
}

// reapAgain asks again for those whose end was not known.
func (e *exits) reapAgain() {
	rest := e.unreaped[:0]
	for _, d := range e.unreaped {
		end, known, err := e.seams.Wait(d.proc.Process)
		if !known && err == nil && e.now < d.until {
			rest = append(rest, d)
			continue
		}
		if !known {
			end = policy.End{Unknown: true}
		}
		e.settle(d.proc, end)
	}
	clear(e.unreaped[len(rest):])
	e.unreaped = rest
}

// unwatch takes a dead worker's pidfd out of the set, which it would wake for
// ever.
func (w *workers) unwatch(p *proc) {
	if p.unwatched { // it was seen to end in another way
	} else if err := w.epoll.remove(p.FD); err != nil {
		w.say(event.PidfdKept, event.Cause(err))
	}
	delete(w.byPidfd, p.FD)
}

// settle books an end. While reports are unread, some may be the dead one's; a
// new worker of the same pid must not be taken for their sender.
func (e *exits) settle(p *proc, how policy.End) {
	_ = nowait.Close(p.FD)
	delete(e.procs, p.PID)
	e.reports.ended(p)
	if p.source != "" {
		e.clients.sources.leave(p.source)
	}
	e.memory.ended(p)
	if p.unexecuted != nil {
		e.say(event.StartNotExecuted, event.Worker(p.PID, p.generation), event.Cause(p.unexecuted))
		e.starts.notExecuted(p)
		return
	}
	e.say(event.Ended, event.Worker(p.PID, p.generation), event.End(ending(how)))
	if e.isAsked(p, how) {
		how = policy.End{}
	}
	e.noteEnd(how)
	e.measureEnd(p, how)
	if !e.leaveToHeir(p, how) {
		e.apply(e.policy.Exit(e.now, p.PID, how))
	}
}

// isAsked reports whether a worker has ended as it was asked to: by the signal, or by itself.
// Its status is its own then: php-cgi has 255 if any request of its life was too much for it.
// One that has said that it holds a client, and does not say so by the preloaded object, which
// does not see the end of the last request, has lost it.
func (e *exits) isAsked(p *proc, how policy.End) bool {
	if p.by == 0 || how.Unknown {
		return false
	}
	return how.Signal == int(p.by) || how.Signal == 0 && !p.forced && (e.board.preload || !e.policy.Serving(p.PID))
}
