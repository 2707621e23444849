package loop

import (
	"time"

	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// This file answers who asks for the status: at once, or, while clients wait and it was not
// just looked for how long, when that is known. The inbox calls it, with questions and when
// a look is over, and a turn when that takes too long.

// answerWait is the longest time that an answer is put off for a look.
const answerWait = 100 * time.Millisecond

// askers wait for the status.
type askers struct {
	replies []chan<- status.Service
	due     policy.Instant // they are answered then; 0 = there are none
}

// asked answers a question, now or later.
func (l *Loop) asked(reply chan<- status.Service) {
	l.askers.replies = append(l.askers.replies, reply)
	if l.inspection.known() && l.now < l.inspection.found+agePause {
		l.answerAskers()
		return
	}
	if n, _ := l.sockets.waiting(); n > 0 {
		l.inspection.askAges()
	}
	if !l.inspection.findsAges() {
		l.answerAskers()
	} else if l.askers.due == 0 {
		l.askers.due = l.now + answerWait
	}
}

// answerLate answers those who have waited for long enough.
func (l *Loop) answerLate() {
	if l.askers.due > 0 && l.now >= l.askers.due {
		l.answerAskers()
	}
}

// answerAskers answers all.
func (l *Loop) answerAskers() {
	if len(l.askers.replies) == 0 {
		return
	}
	l.board.recount()
	for _, reply := range l.askers.replies {
		reply <- l.shown.snapshot()
	}
	clear(l.askers.replies)
	l.askers.replies, l.askers.due = l.askers.replies[:0], 0
}
