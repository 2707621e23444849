package loop

import (
	"fmt"
	"time"

	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
)

// The service manager collects adopted workers; how they ended is known to
// their pidfd only then, milliseconds later. It is asked again after askAgain,
// and given up after askLong.
const (
	askAgain = 2 * time.Millisecond
	askLong  = 100 * time.Millisecond
)

// dying is a worker whose end is certain, and the way of it not known yet.
type dying struct {
	proc  *proc
	until policy.Instant
}

// bury acts on the deaths of this turn.
func (l *Loop) bury() {
	if len(l.ready.deaths) > 0 && l.policy.Infers() { // what they took is known before they are judged
		l.apply(l.policy.Sampled(l.now, l.sockets.depths()))
	}
	for _, fd := range l.ready.deaths {
		if p := l.byPidfd[fd]; p != nil {
			l.collect(p)
		}
	}
	l.askDying()
}

func (l *Loop) collect(p *proc) {
	end, known, err := l.seams.Wait(p.Process)
	if err != nil {
		l.say(eventInternal, levelError,
			fmt.Sprintf("how worker %d ended cannot be told (%v): taken as a good end", p.PID, err), "worker_pid", p.PID, "generation", p.generation)
		end, known = policy.End{Unknown: true}, true
	}
	l.lastRecords(p)
	l.unwatch(p)
	l.vacate(p)
	if known {
		l.settle(p, end)
		return
	}
	l.dying = append(l.dying, dying{p, l.now + askLong})
}

// askDying asks again for those whose end was not known.
func (l *Loop) askDying() {
	rest := l.dying[:0]
	for _, d := range l.dying {
		end, known, err := l.seams.Wait(d.proc.Process)
		if !known && err == nil && l.now < d.until {
			rest = append(rest, d)
			continue
		}
		if !known {
			end = policy.End{Unknown: true}
		}
		l.settle(d.proc, end)
	}
	clear(l.dying[len(rest):])
	l.dying = rest
}

// unwatch takes a dead worker's pidfd out of the set, which it would wake for
// ever.
func (l *Loop) unwatch(p *proc) {
	if err := l.epoll.remove(p.FD); err != nil {
		l.say(eventInternal, levelError, "a worker's pidfd cannot be removed: "+err.Error())
	}
	delete(l.byPidfd, p.FD)
}

// settle books an end. While reports are unread, some may be the dead one's; a
// newborn of the same pid must not be taken for their sender.
func (l *Loop) settle(p *proc, end policy.End) {
	if p.stored {
		l.seams.Keep.Unstore(p.generation)
	}
	_ = nowait.Close(p.FD)
	delete(l.procs, p.PID)
	if l.unread {
		l.gone[p.PID] = true
	}
	if p.source != "" {
		l.sources.leave(p.source)
	}
	l.release(p.slot)
	if p.by != 0 && end.Signal == int(p.by) {
		end = policy.End{}
	}
	l.say(eventDeath, levelDebug, "a worker has ended", "worker_pid", p.PID, "generation", p.generation, "end", end)
	l.noteEnd(end)
	l.measureEnd(p, end)
	l.apply(l.policy.Exit(l.now, p.PID, end))
}
