package inspect

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/testutil"
)

// TestQueue: what becomes of those who wait, from look to look.
func TestQueue(t *testing.T) {
	const ms = time.Millisecond
	at := time.Unix(1000, 0)
	tcp := func(id int, age time.Duration, shut bool) sockdiag.TCPConnection {
		return sockdiag.TCPConnection{Cookie: uint64(id), Unsent: age, Shut: shut}
	}
	for _, c := range []struct {
		name           string
		before, now    []sockdiag.TCPConnection
		accepted       []time.Duration
		abandoned      int
		oldest, passed time.Duration
	}{
		{"the oldest is accepted", []sockdiag.TCPConnection{tcp(7, 300*ms, false), tcp(2, 200*ms, false)}, []sockdiag.TCPConnection{tcp(2, 240*ms, false)}, []time.Duration{320 * ms}, 0, 240 * ms, 40 * ms},
		{"a look is late", []sockdiag.TCPConnection{tcp(7, 300*ms, false)}, nil, []time.Duration{350 * ms}, 0, 0, time.Hour},
		{"a younger one is reset", []sockdiag.TCPConnection{tcp(7, 300*ms, false), tcp(2, 200*ms, false)}, []sockdiag.TCPConnection{tcp(7, 340*ms, false)}, nil, 1, 340 * ms, 40 * ms},
		{"one hangs up", []sockdiag.TCPConnection{tcp(7, 300*ms, false)}, []sockdiag.TCPConnection{tcp(7, 340*ms, true)}, nil, 1, 340 * ms, 40 * ms},
		{"it is told once", []sockdiag.TCPConnection{tcp(7, 300*ms, true)}, []sockdiag.TCPConnection{tcp(7, 340*ms, true)}, nil, 0, 340 * ms, 40 * ms},
		{"it is reset, then", []sockdiag.TCPConnection{tcp(7, 300*ms, false), tcp(2, 200*ms, true)}, []sockdiag.TCPConnection{tcp(7, 340*ms, false)}, nil, 0, 340 * ms, 40 * ms},
		{"of the same age", []sockdiag.TCPConnection{tcp(7, 300*ms, false), tcp(2, 299*ms, false)}, []sockdiag.TCPConnection{tcp(7, 300*ms, false)}, []time.Duration{319 * ms}, 0, 300 * ms, 40 * ms},
		{"who comes has hung up already", nil, []sockdiag.TCPConnection{tcp(9, ms, true)}, nil, 1, ms, 40 * ms},
	} {
		var q queue
		var a Answer
		look := func(list []sockdiag.TCPConnection, at time.Time) {
			a = Answer{}
			q.begin()
			for _, one := range list {
				q.add(one)
			}
			q.compareTCP(3, at, &a)
		}
		look(c.before, at)
		look(c.now, at.Add(c.passed))
		var accepted []time.Duration
		for _, one := range a.Accepted {
			accepted = append(accepted, one.Waited)
			if one.Socket != 3 || one.LowerBound {
				t.Errorf("%s: %+v", c.name, one)
			}
		}
		if s := q.state(false); !slices.Equal(accepted, c.accepted) || a.Abandoned != c.abandoned || s.Oldest != c.oldest || s.Waiting != len(c.now) {
			t.Errorf("%s: accepted after %v, %d abandoned, %+v", c.name, accepted, a.Abandoned, s)
		}
	}
}

// TestFirstInLine: that nobody was accepted is known while the first in line is there. That
// others are there says nothing, where one is accepted and its client is back at once.
func TestFirstInLine(t *testing.T) {
	const ms = time.Millisecond
	for _, c := range []struct {
		name   string
		before map[uint64]time.Duration
		now    []uint64
		stays  bool
	}{
		{"nobody waited", nil, []uint64{1}, false},
		{"all are there", map[uint64]time.Duration{1: 50 * ms, 2: ms}, []uint64{1, 2, 3}, true},
		{"the first is back behind the others", map[uint64]time.Duration{1: 50 * ms, 2: 20 * ms, 3: ms}, []uint64{2, 3, 4}, false},
		{"one that may have been the first", map[uint64]time.Duration{1: 50 * ms, 2: 45 * ms}, []uint64{1, 3}, false},
		{"a later one is reset", map[uint64]time.Duration{1: 50 * ms, 2: 20 * ms}, []uint64{1, 3}, true},
		{"all have gone", map[uint64]time.Duration{1: 50 * ms}, []uint64{2}, false},
	} {
		var q queue
		var a Answer
		q.begin()
		for id, age := range c.before {
			q.add(sockdiag.TCPConnection{Cookie: id, Unsent: age})
		}
		q.compareTCP(0, time.Unix(1000, 0), &a)
		q.begin()
		for _, id := range c.now {
			q.add(sockdiag.TCPConnection{Cookie: id, Unsent: c.before[id] + 5*ms})
		}
		if q.compareTCP(0, time.Unix(1000, 5000000), &a); q.stays != c.stays {
			t.Errorf("%s: nobody was accepted: %t", c.name, q.stays)
		}
	}
}

// TestUnixQueue: the same where the kernel tells no ages, and who has hung up has no number.
func TestUnixQueue(t *testing.T) {
	at := time.Unix(1000, 0)
	var q queue
	for _, c := range []struct {
		now       []uint64
		accepted  []time.Duration
		abandoned int
		oldest    time.Duration
	}{
		{now: []uint64{5, 9}},
		{now: []uint64{5, 9, 6}, oldest: 1},
		{now: []uint64{0, 9, 6}, oldest: 2, abandoned: 1},
		{now: []uint64{9, 6, 0}, oldest: 3, abandoned: 1, accepted: []time.Duration{2}},
		{now: []uint64{6, 0, 4}, oldest: 3, accepted: []time.Duration{3}},
		{now: []uint64{6, 0, 0, 0}, oldest: 4, abandoned: 2},
		{now: []uint64{0, 0}, oldest: 2, accepted: []time.Duration{4, 2}},
		{now: []uint64{8, 4}, accepted: []time.Duration{2, 1}},
		{now: nil, accepted: []time.Duration{0, 0}},
	} {
		var a Answer
		q.begin()
		for _, id := range c.now {
			q.now = append(q.now, waiter{id: id})
		}
		q.compareUnix(0, at, &a)
		var accepted []time.Duration
		for _, one := range a.Accepted {
			accepted = append(accepted, one.Waited)
		}
		if s := q.state(true); !slices.Equal(accepted, c.accepted) || a.Abandoned != c.abandoned || s.Oldest != c.oldest || !s.LowerBound {
			t.Errorf("%v at %d: accepted after %v, %d abandoned, %+v", c.now, at.Nanosecond(), accepted, a.Abandoned, s)
		}
		at = at.Add(1)
	}
}

// TestHungUp: clients that hang up while they wait are counted once, whether they close or
// reset; the others wait on.
func TestHungUp(t *testing.T) {
	for _, test := range []struct {
		network, address string
		reset            bool
	}{
		{"tcp4", "127.0.0.1:0", false},
		{"tcp4", "127.0.0.1:0", true},
		{"unix", filepath.Join(t.TempDir(), "a"), false},
	} {
		t.Run(fmt.Sprintf("%s %t", test.network, test.reset), func(t *testing.T) {
			l, file := listen(t, test.network, test.address)
			i := open(t, file)
			var clients []net.Conn
			for range 3 {
				c, err := net.Dial(l.Addr().Network(), l.Addr().String())
				must(t, err)
				defer c.Close()
				clients = append(clients, c)
				for was := time.Now(); time.Since(was) < 2*slack; { // the order shows in the ages
					i.all()
				}
			}
			if a := i.all(); a.Queues[0].Waiting != 3 || a.Abandoned != 0 {
				t.Fatalf("three wait: %+v", a)
			}
			if test.reset {
				must(t, clients[1].(*net.TCPConn).SetLinger(0))
			}
			must(t, clients[1].Close())
			abandoned := 0
			for deadline := time.Now().Add(10 * time.Second); abandoned == 0 && time.Now().Before(deadline); {
				a := i.all()
				abandoned += a.Abandoned
				if len(a.Accepted) > 0 {
					t.Fatalf("nobody accepts: %+v", a.Accepted)
				}
			}
			for range 3 {
				abandoned += i.all().Abandoned
			}
			if abandoned != 1 {
				t.Errorf("%d have hung up, want 1", abandoned)
			}
		})
	}
}

// TestUnixCrowd: more than the kernel tells of wait at a Unix socket. Then it is not known
// how long, and when fewer wait it is.
func TestUnixCrowd(t *testing.T) {
	l, file := listen(t, "unix", filepath.Join(t.TempDir(), "a"))
	i := open(t, file)
	const crowd = 2100
	for range crowd {
		c, err := net.Dial("unix", l.Addr().String())
		must(t, err)
		defer c.Close()
	}
	if q := i.all().Queues[0]; q.Oldest >= 0 {
		t.Errorf("%d of %d are known: the kernel tells more than is written", q.Waiting, crowd)
	}
	for range crowd - 3 {
		c, err := l.Accept()
		must(t, err)
		must(t, c.Close())
	}
	i.all()
	if a := i.all(); a.Queues[0].Waiting != 3 || a.Queues[0].Oldest < 0 || len(a.Accepted) != 0 {
		t.Errorf("three are left: %+v", a)
	}
}

// TestNothingOpen: when nobody waits any more, no descriptor stays open for the looks.
func TestNothingOpen(t *testing.T) {
	l, file := listen(t, "tcp4", "127.0.0.1:0")
	i := open(t, file)
	c, err := net.Dial("tcp4", l.Addr().String())
	must(t, err)
	defer c.Close()
	if a := i.all(); a.Queues[0].Waiting != 1 {
		t.Fatalf("one waits: %+v", a)
	}
	accepted, err := l.Accept()
	must(t, err)
	defer accepted.Close()
	before := len(testutil.Files())
	if a := i.all(); a.Queues[0].Waiting != 0 || len(testutil.Files()) != before-1 {
		t.Errorf("%+v, %d descriptors, before %d", a, len(testutil.Files()), before)
	}
}
