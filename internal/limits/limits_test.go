package limits

import (
	"os"
	"slices"
	"testing"

	"github.com/availd/availd/internal/procfs"
)

var plenty = Facts{Tasks: Unknown, Files: Unknown, Processes: Unknown, Memory: Unknown, PerWorker: Unknown}

func TestBounds(t *testing.T) {
	with := func(change func(*Facts)) Facts {
		f := plenty
		change(&f)
		return f
	}
	for _, c := range []struct {
		name           string
		facts          Facts
		limit, running int
		want           []Bound
	}{
		{"nothing bounds", plenty, 500, 0, nil},
		{"tasks", with(func(f *Facts) { f.Tasks = 90 }), 500, 10, []Bound{{By: ByTasks, Reachable: 100}}},
		{"tasks, just", with(func(f *Facts) { f.Tasks = 490 }), 500, 10, nil},
		{"no tasks left", with(func(f *Facts) { f.Tasks = 0 }), 500, 10, []Bound{{By: ByTasks, Reachable: 10}}},
		{"files", with(func(f *Facts) { f.Files = 208 }), 500, 0, []Bound{{By: ByFiles, Reachable: 195, Each: 1}}},
		{"two files for each", with(func(f *Facts) { f.Files, f.FilesEach = 208, 2 }), 500, 0, []Bound{{By: ByFiles, Reachable: 97, Each: 2}}},
		{"no files left", with(func(f *Facts) { f.Files = 3 }), 500, 7, []Bound{{By: ByFiles, Reachable: 7, Each: 1}}},
		{"processes", with(func(f *Facts) { f.Processes = 64 }), 65, 3, []Bound{{By: ByProcesses, Reachable: 64}}},
		{"memory", with(func(f *Facts) { f.Memory, f.PerWorker = 100<<20, 10<<20 }), 50, 5, []Bound{{By: ByMemory, Reachable: 15, EachBytes: 10 << 20}}},
		{"memory, none seen", with(func(f *Facts) { f.Memory = 0 }), 50, 0, nil},
		{"no limit", with(func(f *Facts) { f.Tasks, f.Files = 1, 1 }), 0, 0, nil},
	} {
		if got := c.facts.Bounds(c.limit, c.running); !slices.Equal(got, c.want) {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
	all := Facts{Tasks: 1, Files: 1, Processes: 1, Memory: 1, PerWorker: 2 << 30}
	if n := len(all.Bounds(9, 0)); n != 4 {
		t.Errorf("%d bounds, want all 4", n)
	}
}

// TestRead: this process is taken for a worker; it can be neither without
// memory nor with more than the machine has.
func TestRead(t *testing.T) {
	f := Read([]int{os.Getpid(), -1}, procfs.Anonymous)
	if f.PerWorker < 1<<10 || f.PerWorker > 1<<34 || f.Memory < 1<<10 {
		t.Errorf("%+v", f)
	}
	if got := Read(nil, procfs.Anonymous); got.PerWorker != Unknown {
		t.Errorf("without workers: %+v", got)
	}
	if f.Files == 0 || f.Files < Unknown {
		t.Errorf("%+v", f)
	}
}
