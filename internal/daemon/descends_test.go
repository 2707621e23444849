package daemon

import (
	"os"
	"testing"

	"github.com/availd/availd/internal/procfs"
)

// TestDescends: the process between a template and its fork may end between two looks.
func TestDescends(t *testing.T) {
	const worker, between, template, stranger, late = 10, 11, 12, 13, 14
	self := os.Getpid()
	for name, test := range map[string]struct {
		parents []int // one after the other, as they are looked at
		groups  map[int]int
		want    bool
	}{
		"it is ours already":            {[]int{self}, nil, true},
		"the template forked once":      {[]int{template}, nil, true},
		"the one between is there":      {[]int{between}, map[int]int{between: template}, true},
		"the one between has just gone": {[]int{between, self}, nil, true},
		"a stranger's":                  {[]int{stranger, stranger}, map[int]int{stranger: stranger}, false},
		"it went to a stranger":         {[]int{between, late, late}, nil, false},
		"it has ended":                  {[]int{between}, nil, false},
	} {
		looks := 0
		read := func(pid int) (procfs.Stat, bool) {
			looks++
			if pid != worker || looks >= len(test.parents) {
				return procfs.Stat{}, false
			}
			return procfs.Stat{Parent: test.parents[looks]}, true
		}
		if got := descends(worker, test.parents[0], template, read, func(pid int) int { return test.groups[pid] }); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
