package policy

import (
	"testing"
	"time"
)

func queueConfig(limit int) Config {
	return Config{Limit: limit, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, RetireSignal: 15, WarnAlways: true, QueueDelay: 20 * time.Millisecond,
		ProvenAfter: time.Second, QuickExit: time.Second, IgnoreTimeout: 30 * time.Second,
		RetireTimeout: time.Minute,
	}}
}

// cold brings the first worker up, which takes 30 ms to accept.
func cold(rows ...row) []row {
	return append([]row{
		{"start", "watch on"},
		{"queue 1", ""},
		{"conn", "start 101, watch off"},
		{"+30ms", ""},
		{"queue 0", ""},
		{"+10ms", ""},           // the sample finds it gone
		{"+40ms", "watch once"}, // … and at the end of the rest nothing
	}, rows...)
}

// A connection that waits for a whole delay means that all are busy.
func TestInferBusy(t *testing.T) {
	x := play(t, queueConfig(2), cold(
		row{"queue 1", ""},
		row{"conn", "watch off"},
		row{"+19ms", ""},
		row{"+1ms", "start 102"},
		row{"+1ms", ""},
		row{"queue 0", ""},
		row{"+40ms", ""}, // taken by 102 or, were it not up, by 101
		row{"+40ms", "watch once"},
		row{"queue 1", ""},
		row{"conn", "watch off"},
		row{"+19ms", ""},
		row{"+1ms", "full"},
	)...)
	x.counts("total=2 busy=2 idle=0")
	x.play(row{"queue 0", ""}, row{"+20ms", ""})
	x.counts("total=2 busy=0 idle=2")
	if c := x.s.Condition(x.now); !c.Inferred || c.Full {
		t.Errorf("%+v", c)
	}
	x.play(row{"sees somebody", ""}, row{"queue 1", ""}, row{"+2m", ""})
	x.play(row{"reload", "restart reload, retire 101 reload"}) // not both, as of an idle pool
}

// A wait that is shorter than the delay means nothing.
func TestInferShortWaits(t *testing.T) {
	x := play(t, queueConfig(9), cold()...)
	for range 100 {
		x.play(
			row{"queue 1", ""}, row{"conn", "watch off"}, row{"+19ms", ""},
			row{"queue 0", ""}, row{"+1ms", ""}, row{"+40ms", "watch once"},
		)
	}
	x.counts("total=1")
}

// Samples that come late show that nobody gets the machine, so that an idle worker
// does not accept either. If that lasts, they count.
func TestInferLateSamples(t *testing.T) {
	x := play(t, queueConfig(9), cold(row{"queue 1", ""}, row{"conn", "watch off"})...)
	begin := x.now
	for started := x.started; x.started == started; {
		x.now += 30 * time.Millisecond // in one step, as if nothing was due before
		x.event("sample-late")
		if x.now-begin > time.Second {
			t.Fatal("no worker is started although a client waits for a second")
		}
	}
	if waited := x.now - begin; waited < 200*time.Millisecond {
		t.Errorf("a worker is started after %v of late samples", waited)
	}
}

// Those on their way count for those that wait; one more comes with each delay.
func TestInferOneADelay(t *testing.T) {
	play(t, queueConfig(9), cold(
		row{"queue 3", ""},
		row{"conn", "watch off"},
		row{"+20ms", "start 102"},
		row{"+20ms", "start 103"},
		row{"+20ms", "start 104"},
		row{"+500ms", ""},
		row{"queue 2", ""}, // 102 has come
		row{"sees 102", ""},
		row{"+20ms", ""},
		row{"queue 4", ""}, // two more clients
		row{"+40ms", "start 105"},
		row{"+20ms", "start 106"},
		row{"+20ms", ""},
	)...)
}

func TestInferSeveralAtOnce(t *testing.T) {
	cfg := queueConfig(9)
	cfg.MaxStarting = 3
	play(t, cfg, cold(
		row{"queue 8", ""},
		row{"conn", "watch off"},
		row{"+20ms", "start 102, start 103, start 104"},
		row{"+500ms", ""},
		row{"queue 5", ""},
		row{"sees 102 103 104", ""},
		row{"+20ms", "start 105, start 106, start 107"},
	)...)
}

// A worker that is slow to come is not taken for one that has accepted.
func TestInferSlowStart(t *testing.T) {
	play(t, queueConfig(9),
		row{"start", "watch on"},
		row{"queue 1", ""},
		row{"conn", "start 101, watch off"},
		row{"+3s", ""},
		row{"queue 0", ""},
		row{"+60ms", "watch once"}, // its start takes 3 s, that is known now
		row{"queue 2", ""},
		row{"conn", "watch off"},
		row{"+20ms", "start 102"},
		row{"+20ms", "start 103"},
		row{"queue 1", ""}, // 101 takes one: the others cannot have come
		row{"+4s", ""},
	)
}

// Workers leave a socket that they do not accept on to those who fix it.
func TestInferStuckSocket(t *testing.T) {
	play(t, queueConfig(50), cold(
		row{"queue 0 9", ""},
		row{"conn", "watch off"},
		row{"+20ms", "start 102"},
		row{"+20ms", "start 103"},
		row{"+20ms", "start 104"},
		row{"+20ms", "start 105"},
		row{"+3800ms", ""},
		row{"+300ms", "stuck 1"},
		row{"+100s", ""},
		row{"queue 2 9", ""}, // the other socket is served as ever
		row{"+200ms", "start 106, start 107"},
		row{"queue 0 8", ""}, // now somebody accepts on it
		row{"+40ms", "start 108"},
	)...)
}

// With poll alone nobody can tell whether a queue shrinks.
func TestInferUnknownDepth(t *testing.T) {
	x := play(t, queueConfig(7), cold(row{"queue -1", ""}, row{"conn", "watch off"})...)
	x.event("+10s")
	x.counts("total=7 busy=7")
}

// Nobody wakes when nothing happens; when all is well the sockets wake availd 50
// times a second at most, with the timer.
func TestInferWakes(t *testing.T) {
	x := play(t, queueConfig(9), cold()...)
	x.ticks = 0
	x.event("+1000s")
	if x.ticks > 1 { // when the first worker is old enough
		t.Errorf("%d wake-ups while idle", x.ticks)
	}
	x.ticks = 0
	for range 10_000 { // 10 s, a connection each millisecond that is taken at once
		if x.s.listening.watching != WatchOff {
			x.wakes++
			x.event("conn")
		}
		x.event("+1ms")
	}
	if n := x.ticks + x.wakes; n > 10*50 {
		t.Errorf("%d wake-ups in 10 s of traffic", n)
	}
	x.ticks = 0
	x.s.cfg.Limit = 1
	x.event("queue 5")
	x.event("+10s")
	if x.ticks > 10*50+20 {
		t.Errorf("%d wake-ups in 10 s at the limit", x.ticks)
	}
}

// Bad ends: only of young workers, and only where nothing was taken since.
func TestInferBadStart(t *testing.T) {
	for _, test := range []struct {
		name string
		rows []row
	}{
		{"at once", []row{
			{"start", "watch on"},
			{"queue 1", ""},
			{"conn", "start 101, watch off"},
			{"exit 101 1", "exited 101 1, bad start 101, throttle 1s bad-end"},
			{"+1s", "unthrottle, watch on"},
		}},
		{"clean, at once", []row{
			{"start", "watch on"},
			{"queue 1", ""},
			{"conn", "start 101, watch off"},
			{"exit 101 0", "bad start 101, throttle 1s quick-end"},
		}},
		{"clean, and it took one", []row{
			{"start", "watch on"},
			{"queue 1", ""},
			{"conn", "start 101, watch off"},
			{"+1ms", ""},
			{"queue 0", ""},
			{"sample", ""},
			{"exit 101 0", "watch on"},
		}},
		{"it took one", cold(row{"exit 101 1", "exited 101 1, watch on"})},
		{"old", []row{
			{"start", "watch on"},
			{"queue 1", ""},
			{"conn", "start 101, watch off"},
			{"+10100ms", "stuck 0, start 102"},
			{"exit 101 1", "exited 101 1"},
		}},
		{"told to retire", cold(row{"stop", "closed, retire 101 stop, watch off"},
			row{"killed 101 9", "killed 101 9, drained"})},
	} {
		t.Run(test.name, func(t *testing.T) { play(t, queueConfig(5), test.rows...) })
	}
}

// What a retired worker holds is not known: it has the patience of a busy one.
func TestInferRetiredIsNotIdle(t *testing.T) {
	x := play(t, queueConfig(5), cold(row{"reload", "restart reload, start 102 replacement"})...)
	x.play(
		row{"+1s", "retire 101 reload, rolled out 1"},
		row{"+59s", ""},
		row{"+1s", "overdue 101 retire-timeout, signal 101 9"},
	)
}

// The first report ends the inference, and a restart of availd does not bring it
// back.
func TestInferUntilReport(t *testing.T) {
	x := play(t, queueConfig(5), cold(
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"+10s", ""},
	)...)
	x.counts("idle=1 busy=1")
	m := x.s.Memory()
	again := New(x.cfg)
	again.Restore(x.now, m, nil)
	if again.Infers() || !m.Reported {
		t.Errorf("forgotten: %+v", m)
	}
	again.Reload(x.now, x.cfg)
	if again.Infers() {
		t.Error("forgotten by a reload")
	}
	cfg := queueConfig(5)
	cfg.StallGuard = time.Second
	play(t, cfg, cold(
		row{"queue 1", ""},
		row{"conn", "watch off"},
		row{"nonsense 101", "nonsense, status 101 7, watch once"}, // of whatever sense it is
	)...)
}

// Nobody samples in a pause, and connections that were taken since make the next
// one short.
func TestInferPause(t *testing.T) {
	cfg := queueConfig(5)
	cfg.ThrottleMax = time.Minute
	x := play(t, cfg, cold(row{"queue 1", ""}, row{"conn", "watch off"}, row{"refuse 1", ""}, row{"+20ms", "refused, throttle 1s refused"})...)
	x.event("+500ms") // 101 is old enough meanwhile
	x.ticks = 0
	x.event("+499ms")
	if x.ticks > 0 {
		t.Errorf("%d wake-ups in half a second of a pause", x.ticks)
	}
	play(t, cfg,
		row{"start", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"queue 1", ""},
		row{"conn", "start 101, watch off"},
		row{"queue 0", ""},
		row{"+1s", "watch once"},
		row{"exit 101 1", "exited 101 1, watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
	)
}

// Adopted workers are no more known than others; what was learnt is.
func TestInferRestore(t *testing.T) {
	x := play(t, queueConfig(5), cold()...)
	s := New(x.cfg)
	s.Restore(x.now, x.s.Memory(), []Entry{{ID: 7, Generation: 1, State: BusyState, Taken: true}})
	acts := s.Start(x.now)
	if len(acts) != 1 || acts[0].Watch != WatchOnce {
		t.Errorf("%+v", acts)
	}
	if c := s.Condition(x.now); c.Idle != 1 || !c.Inferred || s.infer.startup != 40*time.Millisecond {
		t.Errorf("%+v, startup %v", c, s.infer.startup)
	}
}

// Who does not report is not asked to restart for a stress that it cannot hear
// of; who does is.
func TestInferStress(t *testing.T) {
	for _, after := range []bool{true, false} {
		cfg := queueConfig(2)
		cfg.StressEligible, cfg.StressAfterReport = true, after
		want := "start 102 stressed"
		if !after {
			want = "restart stress, retire 101 stress, " + want
		}
		play(t, cfg, cold(row{"queue 1", ""}, row{"conn", "watch off"}, row{"+20ms", want})...)
	}
	cfg := queueConfig(2)
	cfg.StressEligible, cfg.StressAfterReport = true, true
	play(t, cfg, cold(
		row{"busy 101", "watch on"},
		row{"conn", "restart stress, retire 101 stress, start 102 stressed, watch off"},
	)...)
}
