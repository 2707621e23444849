package loop

import (
	"time"

	"github.com/availd/availd/policy"
)

// This file decides when it is looked how long clients wait. The end of a turn calls follow,
// a readable socket clientWaits.
//
// Looks are made while somebody waits and nobody is idle, ten times a second at most, and
// the more seldom the longer the oldest has waited; how dear they may be is decided by
// package inspect. One more look follows when that is over, which tells what has become of
// those who waited. Otherwise nothing wakes: where the policy does not watch the sockets, as
// at the limit, arrivals.go tells once that somebody waits, and then nothing until the looks
// are over.

const (
	// firstQueueLook is how long after a client has come the first look is made: most starts, and
	// most workers that were about to be idle, take less.
	firstQueueLook = 10 * time.Millisecond
	// pauseShare is the part of the oldest wait after which it is looked again, mostQueuePause the
	// longest time until then.
	pauseShare     = 10
	mostQueuePause = time.Second
	// mostBrief is the longest time without a look, or without being told of a client, where
	// clients wait for moments only, as at a full pool with short requests.
	mostBrief = 500 * time.Millisecond
	// blindPause is that time where no ages can be known.
	blindPause = 10 * time.Second
)

// queueWait has it looked.
type queueWait struct {
	*core
	ages *inspection

	due    policy.Instant // next look; 0 = nobody waits, as far as is known
	looked bool           // there was one since then
	idle   bool           // somebody was idle at the latest look
	brief  time.Duration  // until the next look, as clients do not wait for long; 0 = they do
	rest   time.Duration  // without being told, as clients were served before the first look
	armed  bool           // the next client is told
	since  policy.Instant // … since then
	rearm  policy.Instant // that is to be so from then on; 0 = no
}

// clientWaits is told that somebody waits.
func (q *queueWait) clientWaits() {
	if q.due == 0 && q.condition().Idle == 0 {
		q.due = q.now + firstQueueLook
	}
}

// follow ends a turn.
func (q *queueWait) follow(c policy.Condition) {
	q.rearm = 0
	switch {
	case q.due > 0:
		if q.now >= q.due {
			q.look(c)
		}
	case c.Idle > 0 || q.policyHears():
		if q.armed {
			q.armed = !q.sockets.disarmArrivals()
		}
	case !q.armed:
		q.arm()
	}
}

// policyHears reports whether a connection wakes the loop anyway.
func (q *queueWait) policyHears() bool { return q.sockets.watch != policy.WatchOff && !q.sockets.held }

// look has it looked, or ends that.
func (q *queueWait) look(c policy.Condition) {
	idle := c.Idle > 0
	if n, _ := q.sockets.waiting(); n == 0 || idle && (q.idle || !q.looked) {
		q.end(c)
		return
	}
	first := !q.looked
	q.idle, q.looked = idle, true
	q.ages.askAges()
	q.due = max(q.now+q.pause(first), q.ages.again)
}

// end ends the looks with one more, if there was any.
func (q *queueWait) end(c policy.Condition) {
	if may := q.ages.mayAsk(); q.looked && q.now < may {
		q.due = may
		return
	}
	if q.looked {
		q.rest = q.brief
		q.ages.askAges()
	} else { // who came is served already
		q.rest = min(2*max(q.rest, agePause), mostBrief)
	}
	q.due, q.looked, q.idle = 0, false, false
	q.follow(c)
}

// pause is the time until the next look; first: none has been made yet since somebody waits.
func (q *queueWait) pause(first bool) time.Duration {
	oldest, _ := q.ages.oldest()
	switch {
	case first:
		return max(agePause, q.brief)
	case q.ages.blind():
		return blindPause
	case !q.ages.known():
		return mostQueuePause
	case oldest < leastShown:
		q.brief = min(2*max(q.brief, agePause), mostBrief)
		return q.brief
	}
	q.brief = 0
	return min(max(agePause, oldest/pauseShare), mostQueuePause)
}

// arm has the next client told, or one that waits already.
func (q *queueWait) arm() {
	if rest := max(q.rest, agePause); q.since > 0 && q.now < q.since+rest {
		q.rearm = q.since + rest
		return
	}
	q.since = q.now
	q.armed = q.sockets.armArrivals()
}

// heard is called when one of the sockets has told.
func (q *queueWait) heard(ready bool) {
	if ready {
		q.armed = false
		q.sockets.takeArrivals()
		q.clientWaits()
	}
}
