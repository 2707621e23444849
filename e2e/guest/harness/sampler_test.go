package harness

import (
	"slices"
	"sync/atomic"
	"testing"
)

func TestSampler(t *testing.T) {
	var turn atomic.Int32
	// 13 ends while the list is read in which 15 is already.
	looks := [][]Process{{}, {{11}, {12}, {13}}, {{11}, {12}, {13}}, {{11}, {12}, {13}, {15}}, {{11}, {12}, {15}}, {{14}, {12}}}
	s := sample(func() []Process {
		n := int(turn.Add(1))
		return looks[min(n, len(looks))-1]
	})
	WaitFor(t, "all looks", Patience, func() bool { return int(turn.Load()) >= len(looks) })
	got := s.Stop()
	if got.Max != 3 || got.Last != 2 || !slices.Equal(got.Pids, []int{11, 12, 13, 14, 15}) {
		t.Errorf("got %+v", got)
	}
	if again := 2; got.Looks != int(turn.Load())-again || got.Longest < sampleEvery/2 {
		t.Errorf("%d looks, longest pause %v; it looked %d times", got.Looks, got.Longest, turn.Load())
	}
}
