package rig

import (
	"slices"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	var text strings.Builder
	table := NewTable(&text, "Title")
	table.Figure("plain", "5 ms")
	table.Compare("other", "7 ms", 1.4, "plain")
	table.AtLeast("rate", "99/s", "%v × bare", 0.99, 0.97)
	table.AtLeast("low", "9/s", "%v × bare", 0.9, 0.97)
	table.AtMost("cpu", "2 µs", "%v µs", 2, 1)
	table.AtMost("same", "1 µs", "%v µs", 1, 1)
	want := `
## Title

| what | figure | ratio | target | |
|---|---|---|---|---|
| plain | 5 ms |  |  |  |
| other | 7 ms | 1.4 × plain |  |  |
| rate | 99/s | 0.99 × bare | ≥ 0.97 | pass |
| low | 9/s | 0.9 × bare | ≥ 0.97 | **short** |
| cpu | 2 µs | 2 µs | ≤ 1 | **short** |
| same | 1 µs | 1 µs | ≤ 1 | pass |
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &text, want)
	}
	if got := table.Short(); !slices.Equal(got, []string{"low", "cpu"}) {
		t.Errorf("short: %q", got)
	}
}

func TestGrid(t *testing.T) {
	var text strings.Builder
	grid := NewGrid(&text, "Title", "what", "first", "second, ≤ 3 s")
	grid.Row("good", Plain("%d", 5), Judged(true, "%d s", 2))
	grid.Row("bad", Plain("6"), Judged(false, "%d s", 4))
	want := `
## Title

| what | first | second, ≤ 3 s |
|---|---|---|
| good | 5 | 2 s |
| bad | 6 | 4 s **short** |
`
	if text.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &text, want)
	}
	if got := grid.Short(); !slices.Equal(got, []string{"bad"}) {
		t.Errorf("short: %q", got)
	}
}
