package policy

import (
	"fmt"
	"testing"
)

func benchCrowd(b *testing.B, f func(*crowd)) {
	for _, n := range []int{10, 5000} {
		b.Run(fmt.Sprint(n, "-workers"), func(b *testing.B) {
			c := newCrowd(n)
			b.ReportAllocs()
			for b.Loop() {
				f(c)
			}
		})
	}
}

// BenchmarkReport is one job: a busy and an idle report, in a full pool.
func BenchmarkReport(b *testing.B) {
	benchCrowd(b, func(c *crowd) {
		c.now++
		c.report(5, Idle)
		c.report(5, Busy)
	})
}

// BenchmarkReportInRolling is the same while old workers wait for replacements.
func BenchmarkReportInRolling(b *testing.B) {
	benchCrowd(b, func(c *crowd) {
		if !c.s.rolling.on {
			c.s.Reload(c.now, c.s.cfg)
		}
		c.now++
		c.report(5, Idle)
		c.report(5, Busy)
		_ = c.s.Condition(c.now)
	})
}

// BenchmarkStartAndExit is a connection that starts a worker, and its end.
func BenchmarkStartAndExit(b *testing.B) {
	benchCrowd(b, func(c *crowd) {
		c.now += 2
		c.start()
		c.now += 2
		c.s.Exit(c.now, c.last, End{})
	})
}

// BenchmarkTick is a turn of the event loop in which nothing is due.
func BenchmarkTick(b *testing.B) {
	benchCrowd(b, func(c *crowd) {
		c.now++
		c.s.Tick(c.now)
		c.s.Deadline()
	})
}
