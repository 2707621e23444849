package board

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// The model is the board with all that happens to it, step by step: each access
// to a shared word is a step of its own, every worker may die between any two,
// availd may be killed and started again between any two, and connections come
// when they like. TestModel walks through every state that can be reached. Memory
// is sequentially consistent, as the specification demands.

// Where a worker is.
const (
	gone     = iota
	started  // before it sets its bit for the first time
	joined   // … before READY=1
	idle     // waits for a connection
	accepted // has one, its bit is still set
	peeking  // only a mutant: looks at the words before it clears its bit
	counting // only a mutant: has cleared its bit, and not counted down yet
	checking // found its word 0, looks at word 0
	checking1
	waking
	serving // for as long as it likes
)

// Where availd is.
const (
	waiting = iota
	clearing
	looking
	looking1
	deciding
)

const (
	modelWords   = 2
	modelWorkers = 3
	modelQueue   = 1
)

// place is the word of each worker: the first and the third share one.
var place = [modelWorkers]int{0, 1, 0}

type set uint8 // of workers

func only(k int) set { return 1 << k }

func (s set) has(k int) bool { return s&only(k) != 0 }

// mutant is one way to get it wrong.
type mutant struct {
	name            string
	checkFirst      bool // looks at the words before it clears its bit
	separateCount   bool // a count of idle workers beside the bits
	clearLast       bool // availd takes back the wake events after the look
	onePass         bool // … does not read again after it took a bit away
	keepsDeadBits   bool // … leaves the bits of the dead
	keepsToldBits   bool // … leaves the bits of those asked to retire
	decidesAtDeath  bool // … takes a dead one's bit away and does not look again
	neverRearms     bool // … leaves the eventfd disarmed after the first wake event
	skipsOtherWords bool // whoever made its own word 0 wakes availd only if it is the first one
}

// state is everything, so that equal states are one.
type state struct {
	words  [modelWords]set // the bits, by worker
	count  int8            // of idle workers, for the mutant that has one
	woken  bool
	queue  uint8
	worker [modelWorkers]uint8
	empty  [modelWorkers]bool // what the mutant that looks first has seen

	// availd's
	pc       uint8
	now      [modelWords]set
	strays   bool
	armed    bool // it waits for a wake event
	watching bool // … for connections
	woke     bool // … by a connection
	have     set  // its table
	counted  set
	starting set
	told     set
	ready    set // READY=1 sent and not read
	reaped   set // deaths to act on in this turn
	believed set // idle, by the latest look
}

// checker walks through the states.
type checker struct {
	mutant
	deaths, crashes, retires bool

	from map[uint64]uint64 // where each state was first reached from
	todo []state
	told func(to state, how string, k int) // for a story, nil = none is told
}

// add books one step: somebody (k = -1: availd or the world) did something.
func (c *checker) add(from, to state, how string, k int) {
	if c.told != nil {
		c.told(to, how, k)
		return
	}
	key := to.key()
	if _, known := c.from[key]; known {
		return
	}
	c.from[key] = from.key()
	c.todo = append(c.todo, to)
}

// run returns how a bad state is reached, "" if none is.
func (c *checker) run() string {
	start := state{watching: true, armed: true}
	c.from = map[uint64]uint64{start.key(): start.key()}
	c.todo = []state{start}
	for len(c.todo) > 0 {
		s := c.todo[0]
		c.todo = c.todo[1:]
		if what := c.bad(s); what != "" {
			return what + ":\n" + strings.Join(c.story(start, s), "\n")
		}
		c.steps(s)
	}
	return ""
}

// steps adds all that may happen next.
func (c *checker) steps(s state) {
	c.world(s)
	for k := range modelWorkers {
		c.work(s, k)
	}
	c.availd(s)
}

// story is the shortest way from start to end: it goes back along the keys, and
// then walks forward to find the words for them.
func (c *checker) story(start, end state) (story []string) {
	var way []uint64
	for key := end.key(); key != start.key(); key = c.from[key] {
		way = append(way, key)
	}
	at := start
	for _, key := range slices.Backward(way) {
		var next state
		line := ""
		c.told = func(to state, how string, k int) {
			if to.key() == key {
				next, line = to, how
				if k >= 0 {
					line = fmt.Sprintf("worker %d %s", k, how)
				}
			}
		}
		c.steps(at)
		at, story = next, append(story, line)
	}
	c.told = nil
	return story
}

// key packs a state into one number.
func (s *state) key() (n uint64) {
	put := func(v uint64, bits int) { n = n<<bits | v }
	for _, b := range []bool{s.woken, s.strays, s.armed, s.watching, s.woke, s.empty[0], s.empty[1], s.empty[2]} {
		var v uint64
		if b {
			v = 1
		}
		put(v, 1)
	}
	put(uint64(s.count&7), 3)
	put(uint64(s.queue), 1)
	put(uint64(s.pc), 3)
	for _, w := range s.worker {
		put(uint64(w), 4)
	}
	for _, set := range []set{s.words[0] | s.words[1], s.now[0] | s.now[1], s.have, s.counted, s.starting, s.told, s.ready, s.reaped, s.believed} {
		put(uint64(set), modelWorkers)
	}
	return n
}

// bad finds the states that must not be: nothing has to happen any more (whoever
// works may do so for ever, who is asked to retire may hang, nobody has to die or
// to connect), and availd is wrong about who is idle, or does not watch for those
// who wait.
func (c *checker) bad(s state) string {
	if s.pc != waiting || s.wakes() {
		return ""
	}
	for k, w := range s.worker {
		if w != gone && w != serving && !(w == idle && s.told.has(k)) {
			return ""
		}
	}
	switch {
	case s.believed|s.starting != 0:
		return "all are busy, and availd believes that somebody is idle"
	case s.total() < modelWorkers && !s.watching:
		return "all are busy, another worker is allowed, and availd does not watch for connections"
	}
	return ""
}

func (s *state) total() int { return bits.OnesCount8(uint8(s.have)) }

func (s *state) wakes() bool {
	return s.armed && s.woken || s.watching && s.queue > 0 || s.dead() != 0 || s.ready&s.have != 0
}

// dead are those that ended and are still in availd's table.
func (s *state) dead() (d set) {
	for k, w := range s.worker {
		if w == gone && s.have.has(k) {
			d |= only(k)
		}
	}
	return d
}

// world is what happens from outside: connections, and what ends processes.
func (c *checker) world(s state) {
	if s.queue < modelQueue {
		t := s
		t.queue++
		c.add(s, t, "a client connects", -1)
	}
	if c.crashes {
		t := s
		t.pc, t.armed, t.watching, t.woke, t.reaped, t.believed = clearing, true, false, false, 0, 0
		t.now, t.strays, t.starting, t.counted = [modelWords]set{}, false, 0, t.have&^t.told
		for k, w := range t.worker {
			if w == started || w == joined {
				t.starting |= only(k) & t.counted
			}
		}
		c.add(s, t, "availd is killed and started again", -1)
	}
	for k, w := range s.worker {
		if c.deaths && w != gone {
			t := s
			t.worker[k] = gone
			c.add(s, t, "dies", k)
		}
	}
}
