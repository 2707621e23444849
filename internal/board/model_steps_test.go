package board

import "testing"

// work is the next step of worker k.
func (c *checker) work(s state, k int) {
	t, how := s, ""
	w := &t.worker[k]
	switch s.worker[k] {
	case started:
		t.words[place[k]] |= only(k)
		if c.separateCount {
			t.count++
		}
		*w, how = joined, "sets its bit"
	case joined:
		t.ready |= only(k)
		*w, how = idle, "says READY=1"
	case idle:
		if s.told.has(k) {
			c.leave(s, k)
		}
		if s.queue == 0 {
			return
		}
		t.queue--
		*w, how = accepted, "accepts"
		if c.checkFirst {
			*w = peeking
		}
	case peeking:
		others := s.words
		others[place[k]] &^= only(k)
		t.empty[k] = others == [modelWords]set{}
		*w, how = accepted, "looks at the words"
	default:
		how = c.take(s, &t, k)
	}
	c.add(s, t, how, k)
}

// take are the steps after accept.
func (c *checker) take(s state, t *state, k int) (how string) {
	w := &t.worker[k]
	switch s.worker[k] {
	case accepted:
		t.words[place[k]] &^= only(k)
		*w = serving
		switch {
		case c.separateCount:
			*w = counting
		case c.checkFirst && s.empty[k]:
			*w = waking
		case !c.checkFirst && t.words[place[k]] == 0:
			*w = checking
		}
		return "clears its bit"
	case counting:
		t.count--
		*w = serving
		if t.count == 0 {
			*w = waking
		}
		return "counts down"
	case checking, checking1:
		i := int(s.worker[k] - checking)
		*w++
		if s.words[i] != 0 || c.skipsOtherWords && place[k] != 0 {
			*w = serving
		}
		return "looks at a word"
	case waking:
		t.woken = true
		*w = serving
		return "wakes availd"
	case serving:
		if s.told.has(k) {
			*w = gone
			return "has finished and leaves"
		}
		t.words[place[k]] |= only(k)
		if c.separateCount {
			t.count++
		}
		t.empty[k] = false
		*w = idle
		return "has finished and sets its bit"
	}
	return ""
}

// leave: an idle worker that is asked to retire may do so, or hang.
func (c *checker) leave(s state, k int) {
	t := s
	t.worker[k] = gone
	c.add(s, t, "leaves", k)
}

// availd is its next step.
func (c *checker) availd(s state) {
	t, how := s, ""
	switch s.pc {
	case waiting:
		if !s.wakes() {
			return
		}
		t.woke, t.reaped = s.watching && s.queue > 0, s.dead()
		t.starting &^= s.ready
		t.ready = 0
		if s.armed && s.woken {
			t.armed = false
		}
		t.pc, t.believed, how = clearing, 0, "wakes"
	case clearing:
		if !s.armed && !c.clearLast {
			t.woken = false
		}
		t.now, t.strays = [modelWords]set{}, false
		t.pc, how = looking, "takes back the wake events"
	case looking, looking1:
		how = c.look(s, &t)
	case deciding:
		c.retire(s)
		how = c.decide(&t)
	}
	c.add(s, t, "availd "+how, -1)
}

func (c *checker) look(s state, t *state) string {
	i := int(s.pc - looking)
	stray := s.words[i] &^ s.counted
	if c.keepsDeadBits {
		stray &= s.told
	}
	if c.keepsToldBits {
		stray &^= s.told
	}
	t.words[i] &^= stray
	t.strays = t.strays || stray != 0
	t.now[i] = s.words[i] & s.counted
	t.pc++
	if t.pc == deciding && t.strays && !c.onePass {
		t.pc, t.strays = looking, false
	}
	return "reads a word"
}

// decide acts on what was found; deaths are acted on first, and another look.
func (c *checker) decide(t *state) string {
	if t.reaped != 0 {
		t.have &^= t.reaped
		t.counted &^= t.reaped
		t.starting &^= t.reaped
		t.told &^= t.reaped
		if c.decidesAtDeath {
			for i := range t.words {
				t.words[i] &^= t.reaped
				t.now[i] &^= t.reaped
			}
		} else {
			t.pc = looking
		}
		t.reaped, t.strays = 0, false
		return "reaps the dead"
	}
	t.believed = t.now[0] | t.now[1]
	if c.clearLast && !t.armed {
		t.woken = false
	}
	t.watching = t.believed|t.starting == 0 && t.total() < modelWorkers
	if t.watching && t.woke && t.queue > 0 {
		for k := range modelWorkers {
			if !t.have.has(k) {
				t.worker[k], t.watching = started, false
				t.words[place[k]] &^= only(k)
				t.have, t.counted, t.starting = t.have|only(k), t.counted|only(k), t.starting|only(k)
				break
			}
		}
	}
	t.armed = t.armed || t.believed != 0 && !c.neverRearms
	t.pc, t.now, t.woke = waiting, [modelWords]set{}, false
	return "decides"
}

// retire: availd may ask anybody to retire, and looks again. One at a time is
// enough: a second one adds states and no ways to go wrong.
func (c *checker) retire(s state) {
	for k := range modelWorkers {
		if !c.retires || !s.counted.has(k) || s.reaped != 0 || s.told != 0 {
			continue
		}
		t := s
		t.told |= only(k)
		t.counted &^= only(k)
		t.starting &^= only(k)
		t.pc, t.strays = looking, false
		c.add(s, t, "is asked to retire", k)
	}
}

// TestModel: no order of events leaves availd waiting with a wrong idea of who is
// idle, or with connections that nobody watches for.
func TestModel(t *testing.T) {
	for _, c := range []checker{
		{deaths: true},
		{retires: true},
		{deaths: true, crashes: true},
	} {
		bad := c.run()
		t.Logf("deaths %t, crashes %t, retirement %t: %d states", c.deaths, c.crashes, c.retires, len(c.from))
		if bad != "" {
			t.Error(bad)
		}
	}
}

// TestModelFindsMutants: each rule of the specification is needed, and the
// checker notices when it is broken.
func TestModelFindsMutants(t *testing.T) {
	for _, c := range []checker{
		{mutant: mutant{name: "looks before it clears its bit", checkFirst: true}},
		{mutant: mutant{name: "only the first word wakes", skipsOtherWords: true}},
		{mutant: mutant{name: "a count beside the bits", separateCount: true}, deaths: true},
		{mutant: mutant{name: "wake events taken back after the look", clearLast: true}},
		{mutant: mutant{name: "the eventfd stays disarmed", neverRearms: true}},
		{mutant: mutant{name: "bits of the dead stay", keepsDeadBits: true}, deaths: true},
		{mutant: mutant{name: "bits of the dead are not looked behind", decidesAtDeath: true}, deaths: true},
		{mutant: mutant{name: "one pass", onePass: true}, deaths: true},
		{mutant: mutant{name: "bits of the retired stay", keepsToldBits: true}, retires: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad := c.run()
			if bad == "" {
				t.Fatalf("not found in %d states", len(c.from))
			}
			t.Log(bad)
		})
	}
}
