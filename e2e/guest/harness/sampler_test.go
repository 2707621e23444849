package harness

import (
	"slices"
	"sync/atomic"
	"testing"
)

func TestSampler(t *testing.T) {
	var turn atomic.Int32
	looks := [][]Process{{}, {{11}, {12}, {13}}, {{12}}, {{14}, {12}}}
	s := sample(func() []Process {
		n := int(turn.Add(1))
		return looks[min(n, len(looks))-1]
	})
	WaitFor(t, "five looks", Patience, func() bool { return turn.Load() >= 5 })
	got := s.Stop()
	if got.Max != 3 || got.Last != 2 || !slices.Equal(got.Pids, []int{11, 12, 13, 14}) {
		t.Errorf("got %+v", got)
	}
	if got.Looks != int(turn.Load()) || got.Longest < sampleEvery/2 {
		t.Errorf("%d looks, longest pause %v; it looked %d times", got.Looks, got.Longest, turn.Load())
	}
}
