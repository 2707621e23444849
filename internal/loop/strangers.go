package loop

import (
	"time"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// This file collects dead children that are no workers. A turn calls collect after exits.
//
// Children that nobody here has started are collected too, where there can be any:
// see CollectStrangers of package spawn. SIGCHLD asks for it (obey), and it is done
// after the dead workers of a turn were collected, so that none of them is in the way.
// Until then nobody is told of further deaths: each would wake two threads besides the
// loop's, which took a sixth of availd's time where a template's workers crash.

const (
	strangersPause = 100 * time.Millisecond // between two times, however many die
	strangersAgain = 10 * time.Millisecond  // when somebody's child was in the way
)

// strangers is when to collect next; 0 = nobody has died.
type strangers struct {
	*core
	isOurs    func(pid int, end policy.End) bool // a dead child is for others to collect
	due, last policy.Instant
}

func (s *strangers) died(now policy.Instant) {
	if s.due == 0 {
		s.due = max(now, s.last+strangersPause)
		s.hear(false)
	}
}

func (s *strangers) collect() {
	if s.due == 0 || s.now < s.due {
		return
	}
	s.due, s.last = 0, s.now
	s.hear(true) // first: who dies after the look is told
	again, err := s.seams.CollectStrangers(s.isOurs)
	switch {
	case err != nil:
		s.say(event.NotCollected, event.Cause(err))
	case again:
		s.due = s.now + strangersAgain
		s.hear(false)
	}
}

func (s *strangers) hear(on bool) {
	if s.seams.HearDeaths != nil {
		s.seams.HearDeaths(on)
	}
}
