package policy

import (
	"fmt"
	"testing"
	"time"
)

// sessionConfig is what the daemon makes of a service whose workers are started
// with their connection.
func sessionConfig(limit int) Config {
	c := Config{
		Limit: limit, ThrottleDelay: time.Second, IgnoreUnknownExit: true,
		Extensions: Extensions{
			Retire: true, WarnAlways: true, ThrottleMax: time.Minute, IdleTimeout: time.Second,
			StopTimeout: 30 * time.Second, AbortGrace: 5 * time.Second, RetireTimeout: time.Second, IgnoreTimeout: time.Second,
		},
	}
	sessionRules(&c)
	return c
}

// sessionsOf has n sessions under way.
func sessionsOf(t *testing.T, cfg Config, n int) *scenario {
	t.Helper()
	x := play(t, cfg, row{"start", "watch on"})
	for range n {
		x.event("conn")
	}
	x.counts(fmt.Sprintf("total=%d busy=%d", n, n))
	return x
}

// Sessions are busy from the start, one a connection; the job is done at the end.
func TestSession(t *testing.T) {
	x := play(
		t, sessionConfig(3),
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"conn", "start 102"},
		row{"conn", "start 103, full, watch off"},
		row{"conn", ""},
		row{"exit 102 0", "watch on"},
		row{"conn", "start 104, watch off"}, // the warning was a moment ago
	)
	x.counts("total=3 busy=3 starting=0 idle=0")
	if c := x.s.Condition(x.now); c.Counters.Requests != 1 || !c.Full {
		t.Errorf("%+v", c)
	}
	x.play(row{"+1h", ""}, row{"exit 101 0", "watch on"}, row{"exit 103 7", ""}, row{"killed 104 11", "killed 104 11"})
	x.counts("total=0")
	if c := x.s.Condition(x.now); c.Counters.Requests != 4 || c.Counters.BadStarts != 0 {
		t.Errorf("every end is a request: %+v", c.Counters)
	}
}

// Who gets the last slot is told of stress; nobody is asked to make room.
func TestSessionStress(t *testing.T) {
	cfg := sessionConfig(2)
	cfg.StressEligible = true
	play(
		t, cfg,
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"conn", "start 102 stressed, full, watch off"},
		row{"exit 101 0", "watch on"},
		row{"conn", "start 103 stressed, watch off"},
		row{"reload", "restart reload, rolled out 0"},
		row{"+1s", ""},
	)
}

// A command that cannot be executed is a bad start whatever was before, and
// pauses get longer; one that can and ends well makes them short again.
func TestSessionExecFailed(t *testing.T) {
	x := play(
		t, sessionConfig(5),
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"exit 101 0", ""},
		row{"conn", "start 102"},
		row{"exit 102 203", "exited 102 203, bad start 102, throttle 1s exec, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "start 103"},
		row{"exit 103 203", "exited 103 203, bad start 103, throttle 2s exec, watch off"},
		row{"+2s", "unthrottle, watch on"},
		row{"conn", "start 104"},
		row{"exit 104 0", ""},
		row{"conn", "start 105"},
		row{"exit 105 203", "exited 105 203, bad start 105, throttle 1s exec, watch off"},
	)
	if c := x.s.Condition(x.now); c.Counters.Requests != 2 || c.Counters.BadStarts != 3 {
		t.Errorf("nothing was served by those: %+v", c.Counters)
	}
}

// burst has n sessions end badly, the given time apart. It returns what was said
// at the last end.
func (x *scenario) burst(n int, apart time.Duration) (last string) {
	for range n {
		x.event("+" + apart.String())
		x.event("conn")
		last = x.event("exit " + itoa(100+x.started) + " 1")
	}
	return last
}

// More than ten bad ends in a second, and never a good one, are a bad start;
// and again after the pause, which gets longer as nothing is better.
func TestSessionBadEnds(t *testing.T) {
	x := play(t, sessionConfig(0), row{"start", "watch on"})
	if said := x.burst(10, 50*time.Millisecond); said != "" {
		t.Fatalf("ten bad ends: %s", said)
	}
	if said := x.burst(1, 50*time.Millisecond); said != "bad start 111, throttle 1s bad-ends, watch off" {
		t.Fatalf("eleven: %s", said)
	}
	x.event("+1s")
	for i := 0; ; i++ {
		if said := x.burst(1, 50*time.Millisecond); said == "bad start 122, throttle 2s bad-ends, watch off" && i == 10 {
			break
		} else if said != "" || i == 10 {
			t.Fatalf("end %d after the pause: %q", i+1, said)
		}
	}
}

func TestSessionBadEndsApart(t *testing.T) {
	for _, c := range []struct {
		name  string
		apart time.Duration
		bad   bool
	}{
		{"eleven within a second", 100 * time.Millisecond, true},
		{"ten in every second", 100*time.Millisecond + 1, false},
		{"one a second", time.Second, false},
	} {
		x := play(t, sessionConfig(0), row{"start", "watch on"})
		if x.burst(60, c.apart); (x.s.Condition(x.now).Counters.BadStarts > 0) != c.bad {
			t.Errorf("%s: %d bad starts", c.name, x.s.Condition(x.now).Counters.BadStarts)
		}
	}
}

// Once one has ended well or lived ten seconds, clients can crash as many
// sessions as they like.
func TestSessionHealthy(t *testing.T) {
	for name, rows := range map[string][]row{
		"a good end":           {{"conn", "start 101"}, {"exit 101 0", ""}},
		"a long life":          {{"conn", "start 101"}, {"+10s", ""}, {"exit 101 9", ""}},
		"one that still lives": {{"conn", "start 101"}, {"+10s", ""}},
		"an unknown end":       {{"conn", "start 101"}, {"lost 101", ""}},
	} {
		x := play(t, sessionConfig(0), append([]row{{"start", "watch on"}}, rows...)...)
		if said := x.burst(200, time.Millisecond); said != "" {
			t.Errorf("%s: %s", name, said)
		}
		y := restart(x) // and whoever comes after knows it
		y.event("start")
		if said := y.burst(200, time.Millisecond); said != "" {
			t.Errorf("%s, after a crash: %s", name, said)
		}
	}
	x := play(t, sessionConfig(0), row{"start", "watch on"}, row{"conn", "start 101"}, row{"+9999ms", ""}, row{"exit 101 1", ""})
	x = restart(x)
	x.event("start")
	if x.burst(200, time.Millisecond); x.s.Condition(x.now).Counters.BadStarts == 0 {
		t.Error("a life of less than ten seconds with a bad end is no good sign")
	}
}

// A worker of which only the start was written down has its connection.
func TestSessionRestored(t *testing.T) {
	s := New(sessionConfig(2))
	s.Restore(0, Forgotten(), []Entry{{ID: 101, Generation: 1}})
	x := &scenario{t: t, s: s, started: 1}
	x.play(row{"start", "watch on"}, row{"conn", "start 102, full, watch off"})
	x.counts("busy=2")
}

// Neither rules nor a reload touch a session, but busy-timeout does, gently at
// first.
func TestSessionTimeouts(t *testing.T) {
	x := sessionsOf(t, sessionConfig(2), 2)
	x.cfg.MaxLifetime, x.cfg.BusyTimeout = time.Second, time.Minute
	x.play(
		row{"reload", "restart reload, rolled out 0"},
		row{"+59s", ""},
		row{"+1s", "overdue 101 busy-timeout, signal 101 15, overdue 102 busy-timeout, signal 102 15"},
		row{"killed 101 15", "watch on"},
		row{"+5s", "overdue 102 busy-timeout, signal 102 9"},
		row{"killed 102 9", ""},
	)
	if c := x.s.Condition(x.now); c.Counters.Killed != 2 || c.Counters.BadStarts != 0 {
		t.Errorf("%+v", c.Counters)
	}
}

// A stop leaves sessions alone for half of its time.
func TestSessionStop(t *testing.T) {
	x := sessionsOf(t, sessionConfig(5), 3)
	x.play(
		row{"stop", "closed, watch off"},
		row{"+14999ms", ""},
		row{"exit 102 1", ""},
		row{"+1ms", "signal 101 15, signal 103 15"},
		row{"killed 101 15", ""},
		row{"+14999ms", ""},
		row{"+1ms", "overdue 103 stop-timeout, signal 103 9"},
		row{"killed 103 9", "drained"},
		row{"+1h", ""},
	)
	if x.ticks > 3 {
		t.Errorf("%d wake-ups for two deadlines", x.ticks)
	}
}

// A second request to stop kills; nothing is sent to the dead afterwards.
func TestSessionKillAll(t *testing.T) {
	x := sessionsOf(t, sessionConfig(5), 1)
	x.play(
		row{"stop", "closed, watch off"},
		row{"killall", "overdue 101 stop, signal 101 9"},
		row{"+4s", ""},
		row{"killed 101 9", "drained"},
	)
}

// Without descriptors nothing is accepted; the end of a session, which gives
// some back, is the end of the pause.
func TestSessionNoAccept(t *testing.T) {
	x := sessionsOf(t, sessionConfig(0), 2)
	x.play(
		row{"noaccept", "throttle 100ms short, watch off"},
		row{"exit 101 0", "watch on"},
		row{"noaccept", "watch off"}, // it is told once
		row{"+199ms", ""},
		row{"+1ms", "watch on"},
		row{"refuse 1", ""},
		row{"conn", "refused, throttle 1s refused, watch off"},
		row{"noaccept", ""},
		row{"exit 102 0", ""}, // that pause is not about descriptors
		row{"+1s", "unthrottle, watch on"},
	)
	if c := x.s.Condition(x.now).Counters; c.SpawnFailures != 4 || c.Throttles != 2 {
		t.Errorf("%+v", c)
	}
}

// A service without sessions may leave.
func TestSessionRest(t *testing.T) {
	cfg := sessionConfig(5)
	cfg.ExitIdleTime = time.Minute
	play(
		t, cfg,
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"+1h", ""}, // a session is no rest
		row{"exit 101 0", ""},
		row{"+1m", "exit idle"},
	)
}
