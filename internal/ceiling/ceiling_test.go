package ceiling

import (
	"os"
	"strings"
	"testing"
)

var plenty = Facts{Tasks: Unknown, Files: Unknown, Processes: Unknown, Memory: Unknown, PerWorker: Unknown}

func TestWarnings(t *testing.T) {
	with := func(change func(*Facts)) Facts {
		f := plenty
		change(&f)
		return f
	}
	for _, c := range []struct {
		name           string
		facts          Facts
		limit, running int
		want           string // of the one warning, "" = none
	}{
		{"nothing bounds", plenty, 500, 0, ""},
		{"tasks", with(func(f *Facts) { f.Tasks = 90 }), 500, 10, "tasks end at 100 of 500 workers; raise TasksMax="},
		{"tasks, just", with(func(f *Facts) { f.Tasks = 490 }), 500, 10, ""},
		{"no tasks left", with(func(f *Facts) { f.Tasks = 0 }), 500, 10, "tasks end at 10 of 500 workers"},
		{"files", with(func(f *Facts) { f.Files = 208 }), 500, 0, "end at 200 of 500 workers; raise LimitNOFILE="},
		{"two files for each", with(func(f *Facts) { f.Files, f.FilesEach = 208, 2 }), 500, 0, "which needs 2 for each, end at 100 of 500"},
		{"no files left", with(func(f *Facts) { f.Files = 3 }), 500, 7, "end at 7 of 500 workers"},
		{"processes", with(func(f *Facts) { f.Processes = 64 }), 65, 3, "end at 64 of 65 workers at most; raise LimitNPROC="},
		{"memory", with(func(f *Facts) { f.Memory, f.PerWorker = 100<<20, 10<<20 }), 50, 5, "memory ends at about 15 of 50 workers, which take 10.0 MiB each"},
		{"memory, none seen", with(func(f *Facts) { f.Memory = 0 }), 50, 0, ""},
		{"no limit", with(func(f *Facts) { f.Tasks, f.Files = 1, 1 }), 0, 0, ""},
	} {
		got := c.facts.Warnings(c.limit, c.running)
		if c.want == "" && len(got) > 0 || c.want != "" && (len(got) != 1 || !strings.Contains(got[0], c.want)) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	all := Facts{Tasks: 1, Files: 1, Processes: 1, Memory: 1, PerWorker: 2 << 30}
	if n := len(all.Warnings(9, 0)); n != 4 {
		t.Errorf("%d reasons, want all 4", n)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{900: "0 KiB", 5000: "4 KiB", 3 << 19: "1.5 MiB", 5 << 30: "5.0 GiB"} {
		if got := bytes(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}

// TestRead: this process is taken for a worker; it can be neither without
// memory nor with more than the machine has.
func TestRead(t *testing.T) {
	f := Read([]int{os.Getpid(), -1})
	if f.PerWorker < 1<<10 || f.PerWorker > 1<<34 || f.Memory < 1<<10 {
		t.Errorf("%+v", f)
	}
	if got := Read(nil); got.PerWorker != Unknown {
		t.Errorf("without workers: %+v", got)
	}
	if f.Files == 0 || f.Files < Unknown {
		t.Errorf("%+v", f)
	}
}
