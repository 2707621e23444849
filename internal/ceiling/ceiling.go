// Package ceiling tells what keeps a pool from growing to its limit: the tasks,
// descriptors, processes and memory that the system leaves to it. Each worker
// is at least one process, takes a descriptor of availd or two, and memory as its
// fellows do.
//
// It reads and reckons. It neither changes a limit of the system nor logs.
package ceiling

import "fmt"

// Unknown is the value of a fact that is unbounded, or cannot be read.
const Unknown = -1

// Facts are what is left of what workers take.
type Facts struct {
	Tasks     int   // more tasks may be started in the unit's control group
	Files     int   // more descriptors may be opened by availd
	Processes int   // processes the user may have, those of others of its services included
	Memory    int64 // bytes that are free, in the control group and on the machine
	PerWorker int64 // bytes that a worker takes, Unknown where none runs
	FilesEach int   // descriptors of availd for each worker; 0 = 1
}

// fileReserve are the descriptors that availd needs for a moment beside those of
// workers: in a birth, and for who asks for its status.
const fileReserve = 8

// Warnings are the reasons why limit workers cannot be reached when so many run
// already: each says what, at how many workers, and what to change. limit 0 is
// none, which cannot be missed.
func (f Facts) Warnings(limit, running int) []string {
	var all []string
	add := func(reachable int, format string, args ...any) {
		if reachable < limit {
			all = append(all, fmt.Sprintf(format, args...))
		}
	}
	if n := running + max(0, f.Tasks); f.Tasks != Unknown {
		add(n, "tasks end at %d of %d workers; raise TasksMax= of the unit, or lower --limit", n, limit)
	}
	each := max(1, f.FilesEach)
	if n := running + max(0, f.Files-fileReserve)/each; f.Files != Unknown {
		add(n, "descriptors of availd, which needs %d for each, end at %d of %d workers; raise LimitNOFILE= of the unit, or lower --limit", each, n, limit)
	}
	if n := f.Processes; n != Unknown {
		add(n, "processes of this user end at %d of %d workers at most; raise LimitNPROC= of the unit, or lower --limit", n, limit)
	}
	if f.Memory != Unknown && f.PerWorker > 0 {
		n := running + int(f.Memory/f.PerWorker)
		add(n, "memory ends at about %d of %d workers, which take %s each now; raise MemoryMax= of the unit, add memory, or lower --limit",
			n, limit, bytes(f.PerWorker))
	}
	return all
}

// bytes is a number of bytes for people.
func bytes(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1 << 20, "MiB"}} {
		if n >= u.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(u.size), u.name)
		}
	}
	return fmt.Sprintf("%d KiB", n>>10)
}
