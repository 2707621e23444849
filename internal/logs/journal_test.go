package logs

import (
	"log/slog"
	"maps"
	"testing"
	"testing/synctest"

	"github.com/availd/availd/internal/event"
)

// dear is a value that takes work to find out.
type dear struct{ asked *int }

func (d dear) LogValue() slog.Value {
	*d.asked++
	return slog.GroupValue(slog.Int("busy", 3), slog.String("queue", "?"))
}

// keep returns a logger, and the entries that it writes.
func keep(t *testing.T) (*paper, *[]entry) {
	var entries []entry
	p := logger(t, slog.LevelDebug, func(*paper) sink {
		return func(e entry) { entries = append(entries, e) }
	})
	return p, &entries
}

func TestFields(t *testing.T) {
	p, entries := keep(t)
	asked := 0
	event.Log(p.With(service, "web"), event.KilledAtOnce, event.Worker(7, 3), event.Signal("SIGKILL"), slog.Any("pool", dear{&asked}))
	event.Log(p.Logger, event.Starts)
	p.queue.flush()
	if len(*entries) != 2 {
		t.Fatalf("%d entries", len(*entries))
	}
	want := map[string]string{
		"SYSLOG_IDENTIFIER": "availd", "MESSAGE_ID": event.MessageID["worker_hung"],
		"AVAILD_EVENT": "worker_hung", "AVAILD_REASON": "stop", "AVAILD_SERVICE": "web",
		"AVAILD_WORKER_PID": "7", "AVAILD_GENERATION": "3", "AVAILD_SIGNAL": "SIGKILL",
		"AVAILD_BUSY": "3", "AVAILD_QUEUE": "?",
	}
	if got := fields((*entries)[0]); !maps.Equal(got, want) {
		t.Errorf("fields %v\nwant   %v", got, want)
	}
	want = map[string]string{"SYSLOG_IDENTIFIER": "availd", "AVAILD_EVENT": "birth"}
	if got := fields((*entries)[1]); !maps.Equal(got, want) {
		t.Errorf("fields %v\nwant   %v", got, want)
	}
}

// TestMessagesArePrintable: the journal keeps what is not as a blob, and a terminal
// obeys it.
func TestMessagesArePrintable(t *testing.T) {
	p, entries := keep(t)
	p.Warn("worker command /a\nb\x1b[2J\xff: gone")
	p.queue.flush()
	if got := (*entries)[0].message; got != "worker command /a b?[2J?: gone" {
		t.Errorf("%q", got)
	}
}

// TestFloodCostsNothing: what is left out is not worked out either.
func TestFloodCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := keep(t)
		asked := 0
		for range 1000 {
			event.Log(p.Logger, event.NoWorkerAtStop, slog.Any("pool", dear{&asked}))
		}
		if asked != floodMost {
			t.Errorf("values were worked out %d times, want %d", asked, floodMost)
		}
		elapse(floodPeriod)
	})
}

func BenchmarkFlood(b *testing.B) {
	q := newQueue(func(entry) {})
	log := slog.New(&handler{queue: q, flood: newFlood()}).With(service, "web")
	for b.Loop() {
		event.Log(log, event.SourceFull, event.Client("192.0.2.1"), event.Most(7))
	}
}
