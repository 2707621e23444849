package logs

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/availd/availd/internal/event"
)

// TestNobodyWaits: a log that takes nothing, such as a journald that hangs,
// stops nobody. What is lost meanwhile is counted, and told when it takes
// messages again.
func TestNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hung := make(chan struct{})
		p := logger(t, slog.LevelInfo, func(p *paper) sink {
			return func(e entry) { <-hung; prefixed(p)(e) }
		})
		const lost = 100
		p.queue.put(entry{message: "the one that hangs"})
		synctest.Wait()
		for range queueLength + lost {
			p.queue.put(entry{message: "waits", level: slog.LevelInfo})
		}
		begin := time.Now()
		p.queue.flush()
		if d := time.Since(begin); d != flushPatience {
			t.Errorf("the end of the process waits %v, want %v", d, flushPatience)
		}
		close(hung)
		synctest.Wait()
		if n := p.count("waits"); n != queueLength {
			t.Errorf("%d messages were written, want %d", n, queueLength)
		}
		p.queue.put(entry{message: "later"})
		if p.count("<4>"+event.MessagesLost.With(event.LeftOut(100)).String()+"\n") != 1 {
			t.Errorf("nothing says how many were lost:\n%s", p.written())
		}
	})
}
