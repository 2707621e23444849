package rig

import (
	"fmt"
	"math"
	"slices"
)

// Series are the figures of several entrants, one value a round: by entrant,
// then by name of the figure.
type Series map[string]map[string][]float64

// Add appends a value.
func (s Series) Add(entrant, figure string, value float64) {
	if s[entrant] == nil {
		s[entrant] = map[string][]float64{}
	}
	s[entrant][figure] = append(s[entrant][figure], value)
}

// Median is that of an entrant's figure over all rounds.
func (s Series) Median(entrant, figure string) float64 { return Median(s[entrant][figure]) }

// Ratio is the median of the ratios of two entrants, each taken within a round:
// what a neighbour of the machine does meanwhile befalls both. It is no number when
// there is no round of both, so that no target is reached by it.
func (s Series) Ratio(entrant, to, figure string) float64 {
	ratios := s.ratios(entrant, to, figure)
	if len(ratios) == 0 {
		return math.NaN()
	}
	return Median(ratios)
}

// Spread is the least and the greatest of these ratios as text that follows the median, ""
// where there was one round only.
func (s Series) Spread(entrant, to, figure string) string {
	ratios := s.ratios(entrant, to, figure)
	if len(ratios) < 2 {
		return ""
	}
	return fmt.Sprintf(" (%.3g to %.3g)", slices.Min(ratios), slices.Max(ratios))
}

func (s Series) ratios(entrant, to, figure string) []float64 {
	a, b := s[entrant][figure], s[to][figure]
	ratios := make([]float64, min(len(a), len(b)))
	for i := range ratios {
		ratios[i] = a[i] / b[i]
	}
	return ratios
}

// Median of no values is 0.
func Median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Rounds has entrants take turns: in every round each once, and in every round
// another one first.
func Rounds[T any](rounds int, entrants []T, turn func(entrant T)) {
	for r := range rounds {
		for i := range entrants {
			turn(entrants[(r+i)%len(entrants)])
		}
	}
}
