package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// This file decides for how long the report socket is left alone after it was read.
//
// A worker sends two datagrams a request, and to be woken for each costs more than
// reading it. Most of the time nothing can be decided by them: workers are idle, or the
// limit is reached, so that no worker is started whatever they say. Then the
// loop takes the socket out of the epoll set for a moment, and reads all that has come
// meanwhile at once. Any other event has the reports read, too, so that nothing is
// decided on old news: deadlines, ends of workers, and questions about the state.
//
// Three things bound that moment. A client for whom no worker is left waits for the start
// of another one no longer than before: the kernel says when one comes for which no
// worker waits (untaken.go), and where it cannot, the moment ends before all idle workers
// are likely to be taken, after mostBelow at the latest. Where spares are kept, that goes
// for them. The socket holds only so many datagrams (net.unix.max_dgram_qlen, 10 unless
// systemd has raised it), above which workers wait in sendmsg(2): it ends when half of them
// may be there. And who sends a descriptor along (sd_notify_barrier(3)) waits until that is
// closed: then all is read at once for a while.

const (
	// mostBelow is for a pool that may grow, mostFull for one at its limit: there a
	// report can start nobody, but it says when the pool was full.
	mostBelow = 5 * time.Millisecond
	mostFull  = 100 * time.Millisecond
	// mostHeard is for a pool of which the kernel says when a client comes whom nobody
	// takes, with a socket that holds at least longQueue datagrams: at lower rates than
	// fill it in that time a burst may come.
	mostHeard = 250 * time.Millisecond
	longQueue = 256
	// mostCounted is where a worker is retired after so many requests: what it serves
	// beyond them is what comes in that time.
	mostCounted = 20 * time.Millisecond
	// leastBatch is the shortest moment that is worth a timer.
	leastBatch = 100 * time.Microsecond
	// worthwhile is how many reports have to be expected in it, and worthLong how many in
	// mostHeard: of few the first and the last wake the loop all the same.
	worthwhile = 2
	worthLong  = 4
	// enoughIdle workers are those of which not all are taken at once by chance.
	enoughIdle = 3
	// The rate of reports is measured over ratePeriod and at least rateReports of them,
	// but no longer than rateLongest.
	ratePeriod  = 50 * time.Millisecond
	rateReports = 8
	rateLongest = time.Second
	// promptPeriod is for how long all is read at once after a descriptor came along.
	promptPeriod = time.Minute
)

// batches is the state of it.
type batches struct {
	until   policy.Instant // the socket is not watched until then; 0 = it is watched
	since   policy.Instant // beginning of the period in which reports are counted
	counted int            // in it
	rate    float64        // reports a second, of the last whole period
	last    policy.Instant // when they were read before
	nothing bool           // was there then: the next one is waited for
	prompt  policy.Instant // until then all are read at once
	wall    int64          // the wall clock when they are read, in nanoseconds
}

// count books that n reports were read now.
func (b *batches) count(now policy.Instant, n int) {
	b.last, b.nothing = now, n == 0
	b.counted += n
	passed := now - b.since
	if passed >= rateLongest || passed >= ratePeriod && b.counted >= rateReports {
		b.rate = float64(b.counted) / passed.Seconds()
		b.since, b.counted = now, 0
	}
}

// sent is when a report was sent, for what is measured: several that are read at once
// were not sent at once. The kernel tells it by the wall clock, which may be set in
// between, so it is no later than now, and no earlier than the reading before.
func (r *reports) sent(m *report.Message) policy.Instant {
	if m.Sent == 0 {
		return r.now
	}
	age := time.Duration(r.batches.wall - m.Sent)
	return r.now - min(max(age, 0), r.now-r.batches.last)
}

// gather ends a turn in which reports were read: it leaves the socket alone, or
// watches it again.
func (r *reports) gather() {
	if r.cfg.ReportFD < 0 {
		return
	}
	b := &r.batches
	c := r.condition()
	d := r.batch(c)
	if !r.sockets.watchUntaken(d > 0 && mayGrow(c) && r.sockets.hearsUntaken()) {
		d = r.batch(c)
	}
	was := b.until > 0
	if b.until = 0; d > 0 {
		b.until = r.now + d
	}
	if is := b.until > 0; is != was {
		events := uint32(unix.EPOLLIN)
		if is {
			events = 0
		}
		if err := r.epoll.modify(r.cfg.ReportFD, events, kindReport); err != nil && is {
			b.until = 0 // it is watched as before
		}
	}
}

func mayGrow(c policy.Condition) bool { return c.Limit == 0 || c.Total < c.Limit }

// batch is for how long reports may be left unread now; 0 = they may not.
func (r *reports) batch(c policy.Condition) time.Duration {
	b := &r.batches
	if r.unread || c.Inferred || c.Starting > 0 || c.RollingOut || c.Draining || b.rate == 0 || b.nothing || r.now < b.prompt {
		return 0
	}
	most := mostFull
	if mayGrow(c) {
		most = r.mostBelow(c)
	}
	if r.cfg.Policy.MaxRequests > 0 {
		most = min(most, mostCounted)
	}
	if most == mostHeard && most < r.time(worthLong) {
		return 0
	}
	most = min(most, r.time(r.cfg.ReportQueue/2))
	if most < leastBatch || most < r.time(worthwhile) {
		return 0
	}
	return most
}

// mostBelow is for how long they may in a pool that may grow.
func (r *reports) mostBelow(c policy.Condition) time.Duration {
	spares := r.cfg.Policy.MinSpare
	switch {
	case spares == 0 && c.Idle > 0 && r.sockets.hearsUntaken() && r.cfg.ReportQueue >= longQueue:
		return mostHeard
	case spares == 0 && c.Idle > 0 && r.sockets.hearsUntaken():
		return mostBelow
	case c.Idle-spares < enoughIdle:
		return 0
	}
	// Half of the reports are of workers that were taken. No more than half of the
	// idle ones should be by the end of it.
	return min(mostBelow, r.time(c.Idle-spares))
}

// time is how long it takes until so many reports have come.
func (r *reports) time(reports int) time.Duration {
	return time.Duration(float64(reports) / r.batches.rate * float64(time.Second))
}
