package policy

import (
	"testing"
	"time"
)

// once plays the rows that bring one worker up and make it busy.
func once(more ...row) []row {
	return append([]row{
		{"start", "watch on"},
		{"conn", "start 101, watch off"},
	}, more...)
}

func TestLimitWarningForEveryone(t *testing.T) {
	t.Run("always", func(t *testing.T) {
		play(t, Config{Limit: 1, Extensions: Extensions{WarnAlways: true}}, once(
			row{"busy 101", "full"},
			row{"idle 101", ""},
			row{"+1000s", ""},
			row{"busy 101", ""}, // exactly 1000 s later is too early
			row{"idle 101", ""},
			row{"+1s", ""},
			row{"busy 101", "full"},
		)...)
	})
	t.Run("off", func(t *testing.T) {
		play(t, Config{Limit: 1}, once(row{"busy 101", ""})...)
	})
	t.Run("no limit, no warning", func(t *testing.T) {
		play(t, Config{Extensions: Extensions{WarnAlways: true}}, once(row{"busy 101", "watch on"})...)
	})
	t.Run("not while throttled", func(t *testing.T) {
		play(t, Config{Limit: 2, ThrottleDelay: time.Second, Extensions: Extensions{WarnAlways: true}}, once(
			row{"busy 101", "watch on"},
			row{"refuse 1", ""},
			row{"conn", "refused, throttle 1s refused, watch off"},
			row{"+1s", "unthrottle, watch on"},
			row{"conn", "start 102, watch off"},
			row{"killed 102 11", "killed 102 11, bad start 102, throttle 1s bad-end"},
			row{"+1s", "unthrottle, watch on"},
			row{"conn", "start 103, watch off"},
			row{"busy 103", "full"},
		)...)
	})
}

// A slot whose worker is retiring is not taken; one whose worker is
// retired but holds a client is.
func TestLimitWarningAndRetiredWorkers(t *testing.T) {
	x := play(t, Config{Limit: 2, Extensions: Extensions{WarnAlways: true, Retire: true}}, once(
		row{"busy 101", "watch on"},
		row{"conn", "start 102, watch off"},
		row{"stopping 102", ""},
	)...)
	if x.s.Condition(x.now).Full {
		t.Fatal("full although a slot is about to be free")
	}
	x.play(row{"exit 102 0", "watch on"}, row{"conn", "start 103, watch off"},
		row{"stopping 101", ""}, row{"busy 103", "full"})
	if c := x.s.Condition(x.now); !c.Full || c.FullSince != x.now || c.Counters.LimitReached != 1 {
		t.Fatalf("not full: %+v", c)
	}
	x.play(row{"exit 101 0", "watch on"})
	if x.s.Condition(x.now).Full {
		t.Fatal("still full")
	}
}
