package status

import "github.com/availd/availd/internal/state"

// Times are how long requests took, as a histogram: Counts[i] are those that took at most
// Bounds[i] seconds and more than the bound before; the last of Counts is above all bounds.
type Times struct {
	Bounds []float64 `json:"bounds_s"`
	Counts []uint64  `json:"counts"`
	Sum    float64   `json:"sum_s"`
}

// TimesOf is a histogram in the form of the document; nil is nil.
func TimesOf(h *state.Histogram) *Times {
	if h == nil {
		return nil
	}
	t := &Times{Bounds: bounds, Counts: append([]uint64(nil), h.Counts[:]...), Sum: h.Sum.Seconds()}
	return t
}

// bounds are those of all histograms, in seconds. Nobody writes to it.
var bounds = func() (all []float64) {
	for _, b := range state.Bounds {
		all = append(all, b.Seconds())
	}
	return all
}()

// Valid reports whether the bounds rise, and there are as many counts as they take.
func (t *Times) Valid() bool {
	if len(t.Bounds) == 0 || len(t.Counts) != len(t.Bounds)+1 {
		return false
	}
	for i, b := range t.Bounds {
		if b <= 0 || i > 0 && b <= t.Bounds[i-1] {
			return false
		}
	}
	return true
}

// Since is what has come to t since an earlier document of the service; nil if that cannot be
// said, as one of them is not known, or the service has begun to count anew.
func (t *Times) Since(before *Times) *Times {
	if t == nil || before == nil || !t.Valid() || !before.Valid() || len(t.Counts) != len(before.Counts) {
		return nil
	}
	d := &Times{Bounds: t.Bounds, Counts: make([]uint64, len(t.Counts)), Sum: t.Sum - before.Sum}
	for i := range t.Counts {
		if t.Counts[i] < before.Counts[i] || i < len(t.Bounds) && t.Bounds[i] != before.Bounds[i] {
			return nil
		}
		d.Counts[i] = t.Counts[i] - before.Counts[i]
	}
	return d
}
