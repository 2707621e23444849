package history

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/prose"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// TestEvents: the latest are there, the newest first, also in the next process.
func TestEvents(t *testing.T) {
	var e Events
	e.Note(noon, "info", "before", "", "there is no memory yet")
	memory := make([]byte, Size)
	New(memory)
	e.Keep(memory)
	for i := range 3 * maxEvents {
		e.Note(noon.Add(time.Duration(i)*time.Second), "warning", fmt.Sprint("kind", i), "why", fmt.Sprint("text ", i))
		if i == 0 {
			if all := e.Latest(); len(all) != 2 || all[0].Event != "kind0" || all[1].Event != "before" {
				t.Fatalf("%+v", all)
			}
		}
	}
	for _, events := range []*Events{&e, kept(memory)} {
		all := events.Latest()
		if len(all) != maxEvents {
			t.Fatalf("%d events", len(all))
		}
		for i, got := range all {
			n := 3*maxEvents - 1 - i
			at := noon.Add(time.Duration(n) * time.Second)
			want := Event{Times: 1, Severity: "warning", Event: fmt.Sprint("kind", n), Reason: "why", Text: fmt.Sprint("text ", n)}
			if !got.At.Equal(at) || !got.Since.Equal(at) {
				t.Errorf("event %d was at %v, since %v", i, got.At, got.Since)
			}
			if got.At, got.Since = (time.Time{}), (time.Time{}); got != want {
				t.Errorf("event %d is %+v, want %+v", i, got, want)
			}
		}
	}
}

func kept(memory []byte) *Events {
	e := &Events{}
	e.Keep(slices.Clone(memory))
	return e
}

// TestRepeats: a kind that comes again and again leaves room for what came before it.
func TestRepeats(t *testing.T) {
	var e Events
	memory := make([]byte, Size)
	e.Keep(memory)
	e.Note(noon, "info", "reloaded", "", "reloaded: 3 older workers")
	for i := range 1000 {
		e.Note(noon.Add(time.Duration(i)*time.Second), "error", "worker_failed", "", fmt.Sprint("worker ", i))
	}
	for _, events := range []*Events{&e, kept(memory)} {
		events.Note(noon.Add(1000*time.Second), "error", "worker_failed", "", "worker 1000")
		all := events.Latest()
		if len(all) != 2 || all[0].Times != 1001 || all[0].Text != "worker 1000" || !all[0].Since.Equal(noon) || all[1].Event != "reloaded" {
			t.Errorf("%+v", all)
		}
	}
}

// TestEventText: texts of others are printable, and as long as there is room.
func TestEventText(t *testing.T) {
	var e Events
	e.Keep(make([]byte, Size))
	evil := "\x1b]0;x\x9b\u202e" + strings.Repeat("ä", 4000)
	e.Note(noon, evil, evil, evil, evil)
	all := e.Latest()
	if len(all) != 1 || all[0].Severity != "info" {
		t.Fatalf("%+v", all)
	}
	for _, text := range []string{all[0].Event, all[0].Reason, all[0].Text} {
		if len(text) < 40 || !prose.IsPrintable(text) {
			t.Errorf("%q is kept", text)
		}
	}
	if n := len(all[0].Event) + len(all[0].Reason) + len(all[0].Text); n > eventSize-eventHead {
		t.Errorf("%d bytes are kept", n)
	}
	for i := range e.memory {
		e.memory[i] ^= 0x55 // what is there is not what was written
	}
	if all := e.Latest(); len(all) != 0 {
		t.Errorf("damaged records are %+v", all)
	}
}

// TestDocument: what is not known is null, and comes back as such; times follow the clock
// on the wall at the moment of the answer, whatever it was set to before.
func TestDocument(t *testing.T) {
	p := newPool()
	p.Note(boot, Sample{Busy: None, Idle: 2, Limit: 7, Queue: 1})
	now := boot + 25*time.Second
	d := Compose("web", p.Save(now), now, noon, []Event{{Text: "x"}})
	if got, want := d.Hour.Time(HourPoints-1), noon.Add(-5*time.Second); !got.Equal(want) {
		t.Errorf("the last step began at %v, want %v", got, want)
	}
	if got, want := d.Day.Time(DayPoints-1), noon.Add(-(now % DayStep)); !got.Equal(want) {
		t.Errorf("the last step of the day began at %v, want %v", got, want)
	}
	text, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	if len(text) > 128<<10 {
		t.Errorf("%d bytes", len(text))
	}
	var again Document
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	last := HourPoints - 2
	if h := again.Hour; h.Len() != HourPoints || h.Idle.Mean[last] != 2 || h.Limit.Max[last] != 7 || !math.IsNaN(float64(h.Busy.Mean[last])) || h.Covered[last] != 10 {
		t.Errorf("%+v", h)
	}
	if !strings.Contains(string(text), `"busy":{"min":[null,`) || strings.Contains(string(text), "NaN") {
		t.Errorf("%.200s", text)
	}
}
