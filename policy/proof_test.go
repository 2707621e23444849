package policy

import (
	"strings"
	"testing"
	"time"
)

func provingConfig(limit int) Config {
	c := rollingConfig(limit)
	c.ProveReload, c.StartTimeout, c.AbortGrace, c.QuickExit = true, 30*time.Second, 5*time.Second, time.Second
	return c
}

// One worker is tested, and no older one is retired before it is proven: by a finished
// request. Then the rest follows by READY=1, in batches.
func TestProofByARequest(t *testing.T) {
	x := busyPool(t, provingConfig(8), 3)
	x.play(
		row{"reload", "restart reload, watch off, start 104 replacement"},
		row{"idle 102", ""},
		row{"ready 104", ""},
		row{"busy 104", ""},
		row{"idle 104", "retire 102 reload, start 105 replacement, start 106 replacement"},
		row{"ready 105", "retire 101 reload"},
		row{"busy 106", "retire 103 reload, rolled out 3"},
	)
}

// A second after READY=1 does it, too, while nobody comes; the last older worker stays
// for a while in case that somebody does.
func TestProofByAge(t *testing.T) {
	x := busyPool(t, provingConfig(8), 1)
	x.play(
		row{"reload", "restart reload, watch off, start 102 replacement"},
		row{"ready 102", ""},
		row{"see 102 at-socket", ""},
	)
	x.until("retire 101 reload, rolled out 1", readyLong+graceLong, 200*time.Millisecond)
}

// until lets time pass until all that is said is want, which must be after d, give or
// take the time between two looks.
func (x *scenario) until(want string, d, give time.Duration, see ...string) {
	x.t.Helper()
	begin := x.now
	for x.now < begin+d+give {
		said := x.event("+10ms")
		for _, s := range see {
			if more := x.event(s); more != "" {
				said += more
			}
		}
		if said == want && x.now >= begin+d-give {
			return
		}
		if said != "" {
			x.t.Fatalf("%v after: %s, want %s after %v", x.now-begin, said, want, d)
		}
	}
	x.t.Fatalf("not %s within %v", want, d+give)
}

// At the limit one older worker makes room for the test, and no other goes before the
// proof, however long that takes.
func TestProofAtTheLimit(t *testing.T) {
	x := busyPool(t, provingConfig(8), 8)
	x.play(
		row{"idle 103", ""},
		row{"idle 106", ""},
		row{"reload", "restart reload, retire 103 reload"},
		row{"+1s", ""},
		row{"exit 103 0", "start 109 replacement"},
		row{"+10s", ""},
		row{"exit 109 1", "exited 109 1, rolling restart stopped bad-end"},
	)
	x.counts("total=7 idle=1 busy=6")
}

// Where nobody exits to make room, whoever asked is told, and the test comes when a slot
// is free.
func TestProofWithoutRoom(t *testing.T) {
	cfg := provingConfig(3)
	cfg.IgnoreTimeout = 0
	x := busyPool(t, cfg, 3)
	x.play(
		row{"reload", "restart reload, retire 101 reload"},
		row{"+5s", ""},
		row{"+24s", ""},
		row{"+1s", "rolling restart waits for 1"},
		row{"+60s", ""},
		row{"exit 101 0", "start 104 replacement"},
		row{"ready 104", ""},
		row{"busy 104", ""},
	)
	if got := x.event("idle 104"); !strings.Contains(got, "retire") {
		t.Errorf("the test worker has served: %q", got)
	}
}

// An idle-timeout that is shorter than the test does not retire the worker that is
// tested, nor anybody else meanwhile.
func TestProofOutlivesIdleTimeout(t *testing.T) {
	cfg := provingConfig(8)
	cfg.IdleTimeout = 200 * time.Millisecond
	x := busyPool(t, cfg, 2)
	x.play(
		row{"reload", "restart reload, watch off, start 103 replacement"},
		row{"ready 103", ""},
		row{"see 103 at-socket", ""},
	)
	for {
		got := x.event("+50ms")
		if !x.s.rolling.testing() {
			break
		}
		if strings.Contains(got, "surplus") || strings.Contains(got, "start") {
			t.Fatalf("during the test: %s", got)
		}
	}
}

// What ends before the proof ends the reload: the older ones stay, creation does not
// pause, and nobody is started for clients at once.
func TestFailedProof(t *testing.T) {
	for _, test := range []struct {
		name string
		rows []row
	}{
		{"before it is ready", []row{{"exit 103 1", "exited 103 1, rolling restart stopped bad-end"}}},
		{"after that", []row{{"ready 103", ""}, {"+900ms", ""}, {"exit 103 1", "exited 103 1, rolling restart stopped bad-end"}}},
		{"by a signal", []row{{"ready 103", ""}, {"killed 103 11", "killed 103 11, rolling restart stopped bad-end"}}},
		{"at the first request", []row{{"busy 103", ""}, {"+10ms", ""}, {"exit 103 3", "exited 103 3, rolling restart stopped bad-end"}}},
		{"without serving", []row{{"ready 103", ""}, {"exit 103 0", "rolling restart stopped quick-end"}}},
		{"never ready", []row{{"+30s", "overdue 103 start-timeout, signal 103 6, rolling restart stopped start-timeout"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := busyPool(t, provingConfig(8), 2)
			x.play(row{"reload", "restart reload, watch off, start 103 replacement"})
			x.play(test.rows...)
			if x.s.Condition(x.now).RollingOut || x.s.Condition(x.now).Throttled {
				t.Fatalf("%+v", x.s.Condition(x.now))
			}
			x.play(row{"conn", ""})
			if w := x.s.listening.watching; w != WatchOff {
				t.Fatalf("watch %s: a worker of the broken revision is about to be started", watchNames[w])
			}
		})
	}
}

// Ready, but waiting for something else, or taking nothing while clients wait: no proof,
// and a failed reload in the end.
func TestNoProofWithoutAccepting(t *testing.T) {
	for _, test := range []struct{ name, see string }{
		{"elsewhere", "see 102 elsewhere"},
		{"nowhere", "see 102 nowhere"},
		{"clients wait", "see 102 at-socket waiting"},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := busyPool(t, provingConfig(8), 1)
			x.play(
				row{"reload", "restart reload, watch off, start 102 replacement"},
				row{"ready 102", ""},
				row{test.see, ""},
			)
			x.until("retire 102 reload, rolling restart stopped no-accept", proofLimit, 200*time.Millisecond, test.see)
		})
	}
}

// A pool that is not used is tested as well, then its older workers are retired, and
// need no replacement but the spares.
func TestProofOfAnIdlePool(t *testing.T) {
	x := poolOf(t, provingConfig(8), 3)
	x.play(
		row{"+2s", ""},
		row{"reload", "restart reload, start 104 replacement"},
		row{"ready 104", ""},
		row{"see 104 at-socket", ""},
	)
	x.until("retire 101 reload, retire 102 reload, retire 103 reload, rolled out 3", readyLong, 200*time.Millisecond)
	t.Run("nobody was there", func(t *testing.T) {
		x := play(t, provingConfig(8), row{"start", "watch on"},
			row{"reload", "restart reload, start 101 replacement, watch off"},
			row{"exit 101 1", "exited 101 1, rolling restart stopped bad-end, watch on"},
			row{"conn", "start 102, watch off"}, // a client is reason enough to try
		)
		x.play(row{"reload", "restart reload, start 103 replacement"}, row{"busy 103", ""}, row{"idle 103", "retire 102 reload, rolled out 1"})
	})
}

// A revision that has failed is tried again after a pause, by one worker at a time, for
// clients that the older ones cannot serve; and trusted once it has served one.
func TestDistrust(t *testing.T) {
	x := busyPool(t, provingConfig(8), 2)
	x.play(
		row{"reload", "restart reload, watch off, start 103 replacement"},
		row{"exit 103 1", "exited 103 1, rolling restart stopped bad-end"},
		row{"+999ms", ""},
		row{"+1ms", "watch on"},
		row{"conn", "start 104, watch off"},
		row{"exit 104 1", "exited 104 1"},
		row{"+1999ms", ""},
		row{"+1ms", "watch on"},
		row{"conn", "start 105, watch off"},
		row{"busy 105", ""}, // who has a client is not proven yet
		row{"exit 105 3", "exited 105 3"},
		row{"+59s", ""},
		row{"+1s", "watch on"},
		row{"conn", "start 106, watch off"},
		row{"busy 106", ""},
		row{"idle 106", ""},
		row{"busy 106", "watch on"},
	)
}

// Nobody of those that serve is retired as surplus while there is nobody who could take
// its place.
func TestDistrustKeepsTheOld(t *testing.T) {
	cfg := provingConfig(8)
	cfg.IdleTimeout, cfg.MaxLifetime = 10*time.Second, 20*time.Second
	x := poolOf(t, cfg, 2)
	x.play(
		row{"busy 101", ""},
		row{"reload", "restart reload, start 103 replacement"},
		row{"exit 103 1", "exited 103 1, rolling restart stopped bad-end"},
		row{"idle 101", ""},
		row{"+100s", ""},
	)
	x.counts("total=2 idle=2")
	x.play(
		row{"reload", "restart reload, start 104 replacement"},
		row{"busy 104", ""},
		row{"idle 104", "retire 101 reload, start 105 replacement"},
	)
}

func inferredProof(t *testing.T) *scenario {
	cfg := provingConfig(8)
	cfg.QueueDelay, cfg.ProvenAfter, cfg.QuickExit, cfg.StartTimeout = 20*time.Millisecond, time.Second, time.Second, time.Minute
	x := play(t, cfg, row{"start", "watch on"}, row{"conn", "start 101, watch off"})
	x.event("+2s")
	x.event("reload")
	x.counts("total=2")
	return x
}

// Who does not report is proven by a connection that was seen, and is gone again.
func TestProofByLooking(t *testing.T) {
	x := inferredProof(t)
	x.play(
		row{"+1s", ""},
		row{"see 102 elsewhere", ""}, // it is still coming
		row{"+7s", ""},
		row{"see 102 elsewhere", ""},
		row{"see 102 at-socket", "retire 101 reload, rolled out 1"}, // old enough, and waits for connections
	)
}

// Who does not report, and was seen to compute whenever somebody looked, has not come as far
// as accepting, whatever its age. It gets longer than one that was seen to wait for something
// else, as it may start: as long as starts may take.
func TestProofOfWhoComputes(t *testing.T) {
	x := inferredProof(t)
	x.event("see 102 nowhere")
	x.until("retire 102 reload, rolling restart stopped no-accept", time.Minute, 200*time.Millisecond, "see 102 nowhere")
	x = inferredProof(t)
	x.play(
		row{"see 102 nowhere", ""},
		row{"+25s", ""},
		row{"see 102 nowhere", ""},
		row{"see 102 at-socket", ""},
		row{"see 102 nowhere", ""}, // a request
		row{"+4s", "retire 101 reload, rolled out 1"},
	)
	x = inferredProof(t)
	x.play(
		row{"see 102 nowhere", ""},
		row{"+10s", ""},
		row{"see 102", "retire 101 reload, rolled out 1"}, // nobody can tell, and nobody comes
	)
}

// Who was seen elsewhere, and runs at the moment, may be about to exit.
func TestProofWantsToBeSeen(t *testing.T) {
	x := inferredProof(t)
	x.play(
		row{"see 102 elsewhere", ""},
		row{"+3s", ""},
		row{"see 102", ""},
		row{"exit 102 1", "exited 102 1, rolling restart stopped bad-end"},
	)
}

func TestProofByLookingSoon(t *testing.T) {
	x := inferredProof(t)
	x.play(
		row{"see 102 at-socket", ""},
		row{"see 102 holds", ""},
		row{"see 102 finished", "retire 101 reload, rolled out 1"},
	)
	x = inferredProof(t)
	x.play(
		row{"see 102 at-socket", ""},
		row{"see 102 holds", ""},
		row{"exit 102 3", "exited 102 3, rolling restart stopped bad-end"},
	)
}
