package policy

import (
	"testing"
	"time"
)

func spareConfig(limit, spare int) Config {
	return Config{Limit: limit, ThrottleDelay: time.Second, Extensions: Extensions{
		Retire: true, MinSpare: spare,
	}}
}

// Spares come without a connection, one unproven worker at a time.
func TestSpares(t *testing.T) {
	play(t, spareConfig(5, 2),
		row{"start", "watch on, start 101 spare, watch off"},
		row{"ready 101", "start 102 spare"},
		row{"ready 102", ""},
		row{"busy 101", "start 103 spare"},
		row{"ready 103", ""},
		row{"idle 101", ""}, // one more than wanted stays
		row{"busy 101", ""},
		row{"exit 102 0", "start 104 spare"},
		row{"+1000s", ""},
	)
	play(t, spareConfig(5, 0), row{"start", "watch on"}, row{"+1000s", ""})
}

func TestSparesCountAsStarting(t *testing.T) {
	cfg := spareConfig(9, 3)
	cfg.MaxStarting = 2
	x := play(t, cfg,
		row{"start", "watch on, start 101 spare, watch new, start 102 spare, watch off"},
		row{"conn 9", ""},
		row{"busy 101", "watch new, start 103 spare, watch off"},
		row{"ready 102", "start 104 spare"},
	)
	x.counts("total=4 starting=2 idle=1 busy=1")
}

func TestSparesKeepTheLimit(t *testing.T) {
	t.Run("limit", func(t *testing.T) {
		x := play(t, spareConfig(2, 5),
			row{"start", "watch on, start 101 spare, watch off"},
			row{"ready 101", "start 102 spare"},
			row{"ready 102", ""},
			row{"busy 101", ""},
		)
		x.counts("total=2")
	})
	t.Run("one less when stress-eligible", func(t *testing.T) {
		cfg := spareConfig(2, 5)
		cfg.StressEligible = true
		x := play(t, cfg,
			row{"start", "watch on, start 101 spare, watch off"},
			row{"ready 101", ""},
			row{"busy 101", "watch on"},
			row{"conn", "restart stress, retire 101 stress, start 102 stressed, watch off"},
		)
		if n := x.s.Condition(x.now).Counters.StressEpisodes; n != 1 {
			t.Fatalf("stress episodes: %d", n)
		}
	})
	t.Run("none", func(t *testing.T) {
		play(t, spareConfig(0, 1),
			row{"start", "watch on, start 101 spare, watch off"},
			row{"busy 101", "watch on, start 102 spare, watch off"},
		)
	})
}

func TestNoSparesInTrouble(t *testing.T) {
	play(t, spareConfig(5, 1),
		row{"start", "watch on, start 101 spare, watch off"},
		row{"refuse 1", ""},
		row{"ready 101", ""},
		row{"busy 101", "watch on, refused spare, watch off, throttle 1s refused"},
		row{"+999ms", ""},
		row{"idle 101", ""},
		row{"+1ms", "unthrottle"},
		row{"exit 101 0", "watch on, start 102 spare, watch off"},
		row{"exit 102 1", "exited 102 1, bad start 102, throttle 1s bad-end"},
		row{"+1s", "unthrottle, watch on, start 103 spare, watch off"},
		row{"ready 103", ""},
		row{"stop", "closed, retire 103 stop"},
		row{"+10s", ""},
		row{"exit 103 0", "drained"},
	)
}
