package rig

import (
	"slices"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 100}, 3},
	} {
		given := slices.Clone(c.values)
		if got := Median(c.values); got != c.want || !slices.Equal(given, c.values) {
			t.Errorf("median of %v: %v, want %v; now %v", given, got, c.want, c.values)
		}
	}
}

// TestRatio: a round in which the machine was slow for both does not count more.
func TestRatio(t *testing.T) {
	s := Series{}
	for _, round := range []struct{ a, b float64 }{{50, 100}, {5, 10}, {60, 100}} {
		s.Add("a", "rate", round.a)
		s.Add("b", "rate", round.b)
	}
	if got := s.Ratio("a", "b", "rate"); got != 0.5 {
		t.Errorf("ratio %v, want 0.5", got)
	}
	if got, want := s.Spread("a", "b", "rate"), " (0.5 to 0.6)"; got != want {
		t.Errorf("spread %q, want %q", got, want)
	}
	s.Add("once", "rate", 1)
	if got := s.Spread("once", "once", "rate"); got != "" {
		t.Errorf("one round has the spread %q", got)
	}
	if got := s.Ratio("a", "c", "rate"); got <= 1 || got >= 1 {
		t.Errorf("the ratio to one without figures is %v", got)
	}
	if a, none := s.Median("a", "rate"), s.Median("c", "rate"); a != 50 || none != 0 {
		t.Errorf("medians %v and %v", a, none)
	}
}

func TestRounds(t *testing.T) {
	var got string
	Rounds(4, []string{"a", "b", "c"}, func(entrant string) { got += entrant })
	if want := "abc" + "bca" + "cab" + "abc"; got != want {
		t.Errorf("turns %s, want %s", got, want)
	}
}
