package logs

import (
	"log/slog"
	"maps"
	"regexp"
	"testing"
	"testing/synctest"
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
	p.With(service, "web").With(Event, "worker_failed").Warn("it is", "worker_pid", 7, "pool", dear{&asked})
	p.With(Event, "birth").Debug("it is not")
	p.queue.flush()
	if len(*entries) != 2 {
		t.Fatalf("%d entries", len(*entries))
	}
	want := map[string]string{
		"SYSLOG_IDENTIFIER": "availd", "MESSAGE_ID": MessageID["worker_failed"],
		"AVAILD_EVENT": "worker_failed", "AVAILD_SERVICE": "web", "AVAILD_WORKER_PID": "7",
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
			p.With(Event, "connection_closed").Warn("it is", "pool", dear{&asked})
		}
		if asked != floodMost {
			t.Errorf("values were worked out %d times, want %d", asked, floodMost)
		}
		elapse(floodPeriod)
	})
}

// TestMessageIDs: they are 128 bits in hexadecimal, as journald wants them, and
// of one kind each.
func TestMessageIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	kinds := map[string]string{}
	for kind, id := range MessageID {
		if !form.MatchString(id) || kinds[id] != "" {
			t.Errorf("%s has the id %q, which is malformed, or that of %q", kind, id, kinds[id])
		}
		kinds[id] = kind
	}
}

func BenchmarkFlood(b *testing.B) {
	q := newQueue(func(entry) {})
	log := slog.New(&handler{queue: q, flood: newFlood()}).With(service, "web")
	for b.Loop() {
		log.With(Event, "connection_closed").Warn("it is", "worker_pid", 7)
	}
}
