package history

import "time"

// sums are what a step is made of while it is open.
type sums struct {
	covered     time.Duration
	known       [Count]time.Duration // the time in which a value was known
	sum         [Count]float64       // value × seconds of it
	seen        [Count]bool          // there was one, be it for no time
	least, most [Count]float32       // valid if seen
	requests    float64              // done in it
}

// touch says that the values are these from now on.
func (s *sums) touch(level *[Count]float32) {
	for i, v := range level {
		if v != v {
			continue
		}
		if !s.seen[i] {
			// A peak that was said before stays.
			s.seen[i], s.least[i] = true, v
		}
		s.least[i], s.most[i] = min(s.least[i], v), max(s.most[i], v)
	}
}

// add says that the values were these for so long, in which so many requests were done.
func (s *sums) add(level *[Count]float32, d time.Duration, requests float64) {
	s.covered += d
	s.requests += requests
	seconds := d.Seconds()
	for i, v := range level {
		if v == v {
			s.known[i] += d
			s.sum[i] += seconds * float64(v)
		}
	}
}

// point is what has come of it.
func (s *sums) point(counted bool) Point {
	p := missing()
	p.Covered = s.covered
	for i := range s.sum {
		if !s.seen[i] {
			continue
		}
		p.Min[i], p.Max[i] = s.least[i], s.most[i]
		p.Mean[i] = s.least[i]
		if s.known[i] > 0 {
			p.Mean[i] = float32(s.sum[i] / s.known[i].Seconds())
		}
	}
	if counted && s.covered > 0 {
		rate := float32(s.requests / s.covered.Seconds())
		p.Min[Rate], p.Mean[Rate], p.Max[Rate] = rate, rate, rate
	}
	return p
}

// resumed are the sums that a point was made of.
func resumed(p Point) sums {
	s := sums{covered: p.Covered}
	for i, v := range p.Mean {
		if v != v {
			continue
		}
		if Series(i) == Rate {
			s.requests = float64(v) * p.Covered.Seconds()
			continue
		}
		s.seen[i], s.least[i], s.most[i] = true, p.Min[i], p.Max[i]
		s.known[i], s.sum[i] = p.Covered, float64(v)*p.Covered.Seconds()
	}
	return s
}
