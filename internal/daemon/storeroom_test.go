package daemon

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/availd/availd/internal/event"
)

// TestStoreTroubles: what a crash of a full pool would not survive is said at the start.
func TestStoreTroubles(t *testing.T) {
	limit := func(n int) event.Line { return event.StoreLimit.With(event.Wanted(n)) }
	store := func(n int) event.Line { return event.StoreSize.With(event.Wanted(n)) }
	for _, test := range []struct {
		limit    int
		channels bool
		soft     uint64
		store    string
		want     []event.Line
	}{
		{480, false, 1024, "4096", nil},
		{5000, false, 1024, "4096", nil}, // no more than some of them are stored
		{5000, false, 512, "4096", []event.Line{limit(5350)}},
		{300, false, 1024, "256", []event.Line{store(650)}},
		{400, true, 1024, "4096", nil},
		{600, true, 1024, "4096", []event.Line{limit(1550)}},
		{5000, true, 20000, "4096", []event.Line{store(10350)}},
		{5000, true, 1024, "4096", []event.Line{limit(10350), store(10350)}},
		{5000, true, 0, "", nil},    // not known
		{0, false, 1024, "10", nil}, // no limit: who knows how many there will be
		{100, false, 1024, "0", nil},
	} {
		got := storeTroubles(test.limit, test.channels, 1, test.soft, test.store)
		if len(got) != len(test.want) {
			t.Errorf("%+v: got %q", test, got)
			continue
		}
		for i, want := range test.want {
			if got[i].Message != want.Message || !slices.ContainsFunc(got[i].Fields, func(f slog.Attr) bool { return f.Equal(want.Fields[0]) }) {
				t.Errorf("%+v: got %q, want %q", test, got[i], want)
			}
		}
	}
}
