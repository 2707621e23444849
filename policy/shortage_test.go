package policy

import (
	"strings"
	"testing"
	"time"
)

func shortConfig(limit int) Config {
	c := sessionConfig(limit)
	c.ExecTimeout = 30 * time.Second
	return c
}

// A start that is refused costs no connection: the worker of it is the next one, and
// nothing is accepted before. It is told once, and at the end.
func TestShortage(t *testing.T) {
	x := play(
		t, shortConfig(0),
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"short 3", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"conn", ""}, // dropped
		row{"+100ms", "short"},
		row{"+199ms", ""},
		row{"+1ms", "short"},
		row{"+400ms", "start 102, watch on"},
		row{"conn", "start 103"},
		row{"short 1", ""},
		row{"conn", "short, watch off"}, // of the same shortage
		row{"+100ms", "start 104, watch on"},
		row{"+9999ms", ""},
		row{"+1ms", "unthrottle room"},
	)
	x.counts("total=4 busy=4")
	if c := x.s.Condition(x.now); c.Counters.SpawnFailures != 4 || c.Counters.Throttles != 1 || c.Counters.BadStarts != 0 || c.Owed != 0 {
		t.Errorf("%+v", c)
	}
}

// The end of a worker makes room.
func TestShortageRoom(t *testing.T) {
	x := sessionsOf(t, shortConfig(0), 2)
	x.play(
		row{"short 1", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"exit 101 0", "start 103, watch on"},
	)
}

// Pauses of a shortage are never long.
func TestShortagePauses(t *testing.T) {
	x := play(t, shortConfig(0), row{"start", "watch on"}, row{"short 1000", ""}, row{"conn", "short, throttle 100ms short, watch off"})
	x.event("+1m")
	if x.ticks < 55 || x.ticks > 70 {
		t.Errorf("%d tries in a minute", x.ticks)
	}
	x.play(row{"short 0", ""}, row{"+1s", "start 101, watch on"})
}

// Who is not asked to accept for others: a refused start leaves its client in the
// kernel's queue, and does not make pauses longer.
func TestShortageOfAcceptors(t *testing.T) {
	play(
		t, Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{Retire: true, ThrottleMax: time.Minute}},
		row{"start", "watch on"},
		row{"short 2", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"+100ms", "watch on"},
		row{"conn", "short, watch off"},
		row{"+200ms", "watch on"},
		row{"conn", "start 101, watch off"},
		row{"+10s", "unthrottle room"},
	)
}

// The command's own faults close the connection, and pauses get longer.
func TestNotExecuted(t *testing.T) {
	x := play(
		t, shortConfig(0),
		row{"hang", ""},
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"conn", "start 102"},
		row{"noexec 101 short", "throttle 100ms short, watch off"},
		row{"exit 102 0", "start 103, watch on"},
		row{"noexec 103", "throttle 1s refused, watch off"},
		row{"+1s", "unthrottle, watch on"},
		row{"conn", "start 104"},
		row{"noexec 104", "throttle 2s refused, watch off"},
	)
	if c := x.s.Condition(x.now); c.Counters.SpawnFailures != 3 || c.Total != 0 {
		t.Errorf("%+v", c)
	}
}

// A command that hangs in its execution is given up after a while, also where nobody
// says that a worker is ready.
func TestExecTimeout(t *testing.T) {
	play(
		t, shortConfig(0),
		row{"hang", ""},
		row{"start", "watch on"},
		row{"conn", "start 101"},
		row{"conn", "start 102"},
		row{"executed 102", ""},
		row{"+29999ms", ""},
		row{"+1ms", "overdue 101 exec-timeout, signal 101 15, bad start 101, throttle 1s exec-timeout, watch off"},
		row{"killed 101 15", ""},
	)
	cfg := Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, QueueDelay: 20 * time.Millisecond, ExecTimeout: 30 * time.Second, AbortGrace: 5 * time.Second,
	}}
	x := play(t, cfg, row{"hang", ""}, row{"start", "watch on"}, row{"conn", "start 101, watch off"})
	if said := x.event("+30s"); said != "watch once, overdue 101 exec-timeout, signal 101 6, bad start 101, throttle 1s exec-timeout, watch off" {
		t.Error(said)
	}
}

// A stop starts what it owes, and does not wait for ever: neither for that, nor for a
// process that not even SIGKILL ends.
func TestShortageStop(t *testing.T) {
	x := sessionsOf(t, shortConfig(0), 1)
	x.play(
		row{"short 1", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"stop", "closed"},
		row{"exit 101 0", "start 102"},
		row{"exit 102 0", "drained"},
	)
	x = sessionsOf(t, shortConfig(0), 1)
	x.play(
		row{"short 1000", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"stop", "closed"},
	)
	x.event("+29999ms")
	x.play(
		row{"+1ms", "close 1, overdue 101 stop-timeout, signal 101 9"},
		row{"+4999ms", ""},
		row{"+1ms", "left behind 1, drained"},
		row{"killall", ""}, // it is drained once
		row{"+2m", ""},
		row{"exit 101 0", ""},
	)
}

// A connection that waited for too long is closed by the caller.
func TestShortageGaveUp(t *testing.T) {
	play(
		t, shortConfig(0),
		row{"start", "watch on"},
		row{"short 1", ""},
		row{"conn", "short, throttle 100ms short, watch off"},
		row{"gaveup", ""},
		row{"+100ms", "watch on"},
		row{"conn", "start 101"},
	)
}

// A rolling restart for whose replacements there is never room comes to an end.
func TestShortageRolling(t *testing.T) {
	cfg := Config{Limit: 4, ThrottleDelay: time.Second, Extensions: Extensions{Retire: true, RetireSignal: 15, ThrottleMax: time.Minute}}
	x := play(t, cfg, once(row{"busy 101", "watch on"})...)
	x.event("short 1000")
	if said := x.event("reload"); said != "restart reload, short replacement, watch off, throttle 100ms short" &&
		said != "restart reload, short replacement, throttle 100ms short, watch off" {
		t.Fatal(said)
	}
	for range 13 {
		said := x.event("+1s")
		if strings.Contains(said, "rolling restart stopped short") {
			return
		}
	}
	t.Error("the rolling restart waits for ever")
}
