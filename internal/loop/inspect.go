package loop

import (
	"slices"
	"time"

	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
)

// This file has it looked whether connections are accepted, and how long those have
// waited that are not. The look is made by another goroutine, because how long it takes
// depends on others; there is one at a time. The policy asks for it while workers do not
// report and clients wait; queuewait.go asks for ages while clients wait for whom nobody is
// idle, and answers.go when somebody wants the status.

const (
	// agePause is the least time between two looks at the ages of waiting connections.
	agePause = 100 * time.Millisecond
	// ageHolds is how long an age that was found out is good for, unless it may not be looked
	// again so soon.
	ageHolds = 2 * time.Second
)

// inspection is the look that is under way, and the latest ages.
type inspection struct {
	*core
	running   bool
	forPolicy bool           // the policy waits for the answer
	wanted    *policy.Action // by the policy, once the one that is running is over
	lists     bool           // ages are wanted, once that is over
	question  inspect.Question
	aged      policy.Instant // when ages were asked for; 0 = never
	found     policy.Instant // when they were found out; 0 = never
	again     policy.Instant // they are not found out before, as that would cost too much
	queues    []inspect.Queue
	accepts   []policy.Acceptance // what the policy was not told of
	after     policy.Instant      // … and which is later than that; valid if it is about anything
	read      policy.Instant      // the latest look that has read lists was asked for; 0 = none was

	measured bool            // workers measure waits at TCP sockets, and say so
	seen     state.Histogram // waits that looks have found there, while that is not known
	settles  policy.Instant  // when it should be; valid if there are any
}

// begin carries out the action of that name.
func (i *inspection) begin(a policy.Action) {
	if i.running {
		i.wanted = &a
		return
	}
	i.forPolicy = true
	lists := a.Why == policy.Surplus || a.Why == policy.QuickEnd || a.Why == policy.BadEnds || i.now >= i.aged+agePause
	for n := range i.sockets.list {
		lists = lists || i.policy.InDoubt(n)
	}
	i.question.Workers = i.policy.Newcomers(i.question.Workers[:0])
	i.ask(lists)
}

// askAges asks how long clients have waited, unless that was just done.
func (i *inspection) askAges() {
	switch {
	case i.now < i.mayAsk():
	case i.running:
		i.lists = !i.question.Lists
	default:
		i.question.Workers = i.question.Workers[:0]
		i.ask(true)
	}
}

// mayAsk is from when on that may be asked again.
func (i *inspection) mayAsk() policy.Instant {
	if i.aged == 0 {
		return 0
	}
	return max(i.aged+agePause, i.again)
}

// findsAges reports whether ages are being found out, or are about to be.
func (i *inspection) findsAges() bool { return i.running && (i.question.Lists || i.lists) }

func (i *inspection) ask(lists bool) {
	i.running, i.question.Lists = true, lists
	if lists {
		i.aged, i.lists = i.now, false
	}
	i.seams.Inspect(i.question, func(f *inspect.Answer) {
		i.post(request{found: f})
	})
}

// inspected books the answer.
func (i *inspection) inspected(f *inspect.Answer) {
	i.running = false
	if i.question.Lists {
		i.again = i.now + f.Again
	}
	if len(f.Queues) > 0 {
		i.queues, i.found = append(i.queues[:0], f.Queues...), i.now
	}
	i.tally.Abandoned += uint64(f.Abandoned)
	for _, a := range f.Accepted {
		if a.LowerBound {
			i.tally.Waits.Observe(a.Waited)
		} else if !i.measures() {
			i.bookSeen(a.Waited)
		}
	}
	i.settle()
	evidence := i.remember(f.Evidence)
	if len(f.Queues) > 0 {
		i.read = i.aged
	}
	if i.forPolicy {
		i.forPolicy = false
		i.accepts = i.accepts[:0]
		i.apply(i.policy.Inspected(i.now, evidence))
	}
	if a := i.wanted; a != nil && !i.running {
		i.wanted = nil
		i.begin(*a)
	}
	if i.lists && !i.running {
		i.lists = false
		i.askAges()
	}
}

// measures reports whether waits at TCP sockets are measured where they are accepted: by
// workers, or by availd itself.
func (i *inspection) measures() bool { return i.measured || i.cfg.PerConnection }

// measurePatience is how long it takes at most until a worker on the board that measures
// waits is known to: it is counted once a second.
const measurePatience = 2 * countPeriod

// bookSeen books a wait at a TCP socket that looks have found. Where workers measure their
// connections' waits it would count twice, so it counts when none has said so by then.
func (i *inspection) bookSeen(wait time.Duration) {
	if i.seen == (state.Histogram{}) {
		i.settles = i.now + measurePatience
	}
	i.seen.Observe(wait)
}

// settle decides whether such waits count.
func (i *inspection) settle() {
	if i.seen == (state.Histogram{}) || !i.measures() && i.now < i.settles {
		return
	}
	if !i.measures() {
		i.tally.Waits.Add(i.seen)
	}
	i.seen = state.Histogram{}
}

// remember adds what looks have found that the policy was not told of, as each compares with
// the one before: a connection that was accepted is news to one look only, and who is new at
// one waits still at the next.
func (i *inspection) remember(e policy.Evidence) policy.Evidence {
	for len(i.accepts) < len(i.sockets.list) {
		i.accepts = append(i.accepts, policy.NotKnown)
	}
	if !slices.ContainsFunc(i.accepts, func(a policy.Acceptance) bool { return a != policy.NotKnown }) {
		i.after = i.read
	}
	e.After = i.after
	for n, found := range e.Sockets {
		if n < len(i.accepts) && (found == policy.SomebodyAccepts || found == policy.NobodySeen) {
			i.accepts[n] = max(i.accepts[n], found)
		}
	}
	if !slices.ContainsFunc(i.accepts, func(a policy.Acceptance) bool { return a != policy.NotKnown }) {
		return e
	}
	sockets := slices.Clone(i.accepts)
	for n, found := range e.Sockets {
		if n < len(sockets) && sockets[n] == policy.NotKnown {
			sockets[n] = found
		}
	}
	e.Sockets = sockets
	return e
}

// oldestWait is how long the oldest connection of a socket waits, of which so many wait now
// (negative = unknown); nil = that is not known. bound: it is at least so long.
func (i *inspection) oldestWait(n, waiting int) (age *time.Duration, bound bool) {
	oldest := time.Duration(0)
	if waiting != 0 {
		if n >= len(i.queues) || i.queues[n].Oldest < 0 || !i.known() {
			return nil, false
		}
		q := i.queues[n]
		oldest, bound = q.Oldest, q.LowerBound
		if !bound && q.Waiting > 0 && waiting >= q.Waiting { // as far as can be told, it waits on
			oldest += i.now - i.found
		}
	}
	return &oldest, bound
}

// known reports whether ages were found out a short while ago, or as recently as they may be.
func (i *inspection) known() bool {
	return i.found > 0 && i.now <= max(i.found, i.again)+ageHolds
}

// oldest is the longest wait of all sockets as it was found out last; 0 = none waits, or
// that is not known.
func (i *inspection) oldest() (age time.Duration, bound bool) {
	if !i.known() {
		return 0, false
	}
	for _, q := range i.queues {
		if q.Oldest > age {
			age, bound = q.Oldest, q.LowerBound
		}
	}
	return age, bound
}

// longest is how long the oldest connection of all sockets waits, where so many wait;
// negative = that is not known.
func (i *inspection) longest(waiting int) time.Duration {
	if waiting == 0 {
		return 0
	}
	if !i.known() || i.blind() {
		return -1
	}
	age, _ := i.oldest()
	return age
}

// blind reports whether a look has found that no socket's ages can be known.
func (i *inspection) blind() bool {
	return i.found > 0 && !slices.ContainsFunc(i.queues, func(q inspect.Queue) bool { return q.Oldest >= 0 })
}
