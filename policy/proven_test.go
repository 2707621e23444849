package policy

import (
	"testing"
	"time"
)

func silentConfig() Config {
	return Config{Limit: 5, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, StallGuard: time.Second, ProvenAfter: time.Second,
	}}
}

// Who says nothing is proven by its age: it counts as available from the start, the
// stall guard looks at it from then on.
func TestProvenByAge(t *testing.T) {
	play(t, silentConfig(), once(
		row{"+999ms", ""},
		row{"+1ms", "watch once"},
		row{"+100s", ""},
	)...)
}

// A report comes first, and is not undone.
func TestProvenByReport(t *testing.T) {
	x := play(t, silentConfig(), once(
		row{"busy 101", "watch on"},
		row{"+100s", ""},
	)...)
	if c := x.s.Condition(x.now); c.Busy != 1 || c.Idle != 0 {
		t.Errorf("%+v", c)
	}
}

// In a rolling restart the old one goes when the new one has lived that long.
func TestRollingByAge(t *testing.T) {
	play(t, silentConfig(), once(
		row{"busy 101", "watch on"},
		row{"reload", "restart reload, start 102 replacement, watch off"},
		row{"+999ms", ""},
		row{"+1ms", "retire 101 reload, watch once, rolled out 1"},
	)...)
}
