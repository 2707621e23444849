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
	*core
	board *boardSlots
	ages  *inspection
	shown *shown

	replies []chan<- status.Service
	due     policy.Instant // they are answered then; 0 = there are none
}

// ask answers a question, now or later.
func (a *askers) ask(reply chan<- status.Service) {
	a.replies = append(a.replies, reply)
	if a.ages.known() && a.now < a.ages.found+agePause {
		a.answer()
		return
	}
	if n, _ := a.sockets.waiting(); n > 0 {
		a.ages.askAges()
	}
	if !a.ages.findsAges() {
		a.answer()
	} else if a.due == 0 {
		a.due = a.now + answerWait
	}
}

// answerLate answers those who have waited for long enough.
func (a *askers) answerLate() {
	if a.due > 0 && a.now >= a.due {
		a.answer()
	}
}

// answer answers all.
func (a *askers) answer() {
	if len(a.replies) == 0 {
		return
	}
	a.board.recount()
	for _, reply := range a.replies {
		reply <- a.shown.snapshot()
	}
	clear(a.replies)
	a.replies, a.due = a.replies[:0], 0
}
