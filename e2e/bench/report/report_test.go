package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

const printed = `2026-11-30, Linux 6.18, 2 × EPYC
## Burst: 50 clients on an empty pool

| what | figure | ratio | target | |
|---|---|---|---|---|
| last answer | 163 ms | 1.09 × ideal | ≤ 1.25 | pass |
| Postfix master: last answer | 805 ms | 5.37 × ideal |  |  |
| throughput | 5 against 6 | 0.939 × php-fpm (0.9 to 1) | ≥ 1 | **short** |
| failed | 0 |  0 | ≤ 0 | pass |

short: throughput

## Crashes: two clients

| program | slowest good one, ≤ 1 s | ratio, ≤ 1.3 | failed, 0 |
|---|---|---|---|
| C & D | 314 ms | 0.50 × tcpserver | 0 |
| Python | 2.5 s **short** | 1.34 × tcpserver **short** | 0 |

## Nothing to reach

| what | figure |
|---|---|
| a | 1 |
`

// TestTables: what has a target, in a cell of its own or in the heading.
func TestTables(t *testing.T) {
	all := Tables(printed)
	if len(all) != 2 || all[0].Title != "Burst: 50 clients on an empty pool" {
		t.Fatalf("got %+v", all)
	}
	want := []Row{
		{"last answer", "1.09 × ideal", 1.09, 1.25, false},
		{"throughput", "0.939 × php-fpm (0.9 to 1)", 0.939, 1, true},
		{"failed", "0", 0, 0, false},
		{"C & D: slowest good one", "314 ms", 0.314, 1, false},
		{"C & D", "0.50 × tcpserver", 0.5, 1.3, false},
		{"Python: slowest good one", "2.5 s", 2.5, 1, false},
		{"Python", "1.34 × tcpserver", 1.34, 1.3, false},
	}
	got := append(all[0].Rows, all[1].Rows...)
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, r := range got {
		if r != want[i] {
			t.Errorf("got %+v, want %+v", r, want[i])
		}
	}
}

// TestScore: right of 1 is better, whichever bound it is.
func TestScore(t *testing.T) {
	for _, test := range []struct {
		row     Row
		score   float64
		reached bool
	}{
		{Row{Value: 2, Target: 1, AtLeast: true}, 2, true},
		{Row{Value: 0.5, Target: 1, AtLeast: true}, 0.5, false},
		{Row{Value: 0.5, Target: 1}, 2, true},
		{Row{Value: 4, Target: 1}, 0.25, false},
		{Row{Value: 1000, Target: 1, AtLeast: true}, most, true},
		{Row{Value: 0, Target: 1, AtLeast: true}, 1 / most, false},
		{Row{Value: 0, Target: 0}, most, true},
		{Row{Value: 3, Target: 0}, 1 / most, false},
	} {
		if s := test.row.Score(); s != test.score || test.row.Reached() != test.reached {
			t.Errorf("%+v: %v, %t", test.row, s, test.row.Reached())
		}
	}
}

// TestWrite: a file of the run, and charts that a browser can read.
func TestWrite(t *testing.T) {
	paths, err := Write(t.TempDir()+"/new", "run", "commit abc <dirty>", printed)
	if err != nil || len(paths) != 3 || !strings.HasSuffix(paths[1], "/run-burst.svg") || !strings.HasSuffix(paths[2], "/run-crashes.svg") {
		t.Fatalf("%v, %v", paths, err)
	}
	for i, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			for _, want := range []string{
				"# Benchmarks run\n\ncommit abc <dirty>\n2026-11-30, Linux 6.18, 2 × EPYC\n\n## Burst: 50 clients",
				"\nshort: throughput\n\n![How far each figure is from its target](run-burst.svg)\n\n## Crashes: two clients\n\n| program",
				"| Python | 2.5 s **short** | 1.34 × tcpserver **short** | 0 |\n\n![How far each figure is from its target](run-crashes.svg)\n\n## Nothing to reach\n",
			} {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in\n%s", want, text)
				}
			}
			if !strings.HasSuffix(string(text), "\n| a | 1 |\n") {
				t.Errorf("got\n%s", text)
			}
			continue
		}
		for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
		}
	}
}

// TestWriteAlike: tables whose titles begin alike have a chart each.
func TestWriteAlike(t *testing.T) {
	table := "\n\n| what | figure | ratio | target | |\n|---|---|---|---|---|\n| a | 1 | 1 × b | ≤ 2 | pass |\n\n"
	paths, err := Write(t.TempDir(), "run", "", "## Burst: of C"+table+"## Burst: of PHP"+table)
	if err != nil || len(paths) != 3 || !strings.HasSuffix(paths[1], "/run-burst.svg") || !strings.HasSuffix(paths[2], "/run-burst-2.svg") {
		t.Fatalf("%v, %v", paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil || !strings.Contains(string(text), "(run-burst.svg)\n\n## Burst: of PHP") || !strings.HasSuffix(string(text), "(run-burst-2.svg)\n") {
		t.Errorf("%v\n%s", err, text)
	}
}
