package top

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/status"
)

func times(counts ...uint64) *status.Times {
	return &status.Times{Bounds: []float64{0.001, 0.01, 0.1}, Counts: counts}
}

func TestQuantile(t *testing.T) {
	for _, c := range []struct {
		name  string
		times *status.Times
		share float64
		want  string
	}{
		{"nothing is known", nil, 0.5, "-"},
		{"there was none", times(0, 0, 0, 0), 0.5, "-"},
		{"all in the first bucket", times(10, 0, 0, 0), 0.5, "0.5ms"},
		{"the middle of the second", times(0, 10, 0, 0), 0.5, "5.5ms"},
		{"at a bound", times(50, 50, 0, 0), 0.5, "1.0ms"},
		{"99 of 100", times(98, 0, 2, 0), 0.99, "55ms"},
		{"beyond what is measured", times(1, 0, 0, 99), 0.5, ">100ms"},
	} {
		if got := quantileText(c.times, c.share); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRates: what does not follow from two answers is not known.
func TestRates(t *testing.T) {
	with := func(n uint64, h *status.Times) *status.Service {
		return &status.Service{Name: "web", Counters: status.Counters{Requests: &n}, RequestTimes: h}
	}
	silent := with(0, nil)
	silent.Counters.Requests = nil
	for _, c := range []struct {
		name        string
		before, now *status.Service
		rate, p50   string
	}{
		{"two answers", with(10, times(1, 0, 0, 0)), with(30, times(1, 20, 0, 0)), "10", "5.5ms"},
		{"nothing came", with(10, times(1, 0, 0, 0)), with(10, times(1, 0, 0, 0)), "0", "-"},
		{"it counts anew", with(10, times(9, 0, 0, 0)), with(3, times(3, 0, 0, 0)), "-", "-"},
		{"nobody counts", silent, silent, "-", "-"},
		{"other bounds", with(1, &status.Times{Bounds: []float64{1}, Counts: []uint64{1, 0}}), with(3, times(3, 0, 0, 0)), "1.0", "-"},
	} {
		p := Picture{}.Next(noon, []Heard{{Name: "web", Service: c.before}})
		if rate, known := p.Entries[0].rate(); known {
			t.Errorf("%s: one answer tells a rate of %v", c.name, rate)
		}
		p = p.Next(noon.Add(2*time.Second), []Heard{{Name: "web", Service: c.now}})
		rate, known := p.Entries[0].rate()
		if got := rateText(rate, known); got != c.rate {
			t.Errorf("%s: %s a second, want %s", c.name, got, c.rate)
		}
		if got := quantileText(p.Entries[0].times(), 0.5); got != c.p50 {
			t.Errorf("%s: p50 %s, want %s", c.name, got, c.p50)
		}
	}
}

func TestTexts(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 0.25: "0.2", 9.96: "10.0", 12.4: "12", 9999: "9999", 12345: "12k", 3.2e6: "3.2M"} {
		if got := rateText(n, true); got != want {
			t.Errorf("%v: %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-1: "0", 400 * time.Microsecond: "0.4ms", 12345 * time.Microsecond: "12ms", 1250 * time.Millisecond: "1.2s", 75 * time.Second: "1m15s",
	} {
		if got := short(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
