// Package limits tells what keeps a pool from growing to its limit: the tasks,
// descriptors, processes and memory that the system leaves to it. Each worker
// is at least one process, takes a descriptor of availd or two, and memory as its
// fellows do.
//
// It reads and calculates. It neither changes a limit of the system nor logs.
package limits

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
// workers: in a start, and for who asks for its status.
const fileReserve = 13

// By is what bounds a pool.
type By uint8

// What bounds a pool, each with what an administrator raises.
const (
	ByTasks     By = iota // TasksMax=
	ByFiles               // LimitNOFILE=, descriptors of availd
	ByProcesses           // LimitNPROC=, which counts those of the user
	ByMemory              // MemoryMax=, and the machine's
)

// Bound is something that ends the growth of a pool before its limit.
type Bound struct {
	By
	Reachable int   // workers; of Processes at most, of Memory about so many
	Each      int   // descriptors that a worker takes
	EachBytes int64 // of memory
}

// Bounds are what keeps limit workers from being reached when so many run already.
// limit 0 is none, which cannot be missed.
func (f Facts) Bounds(limit, running int) (all []Bound) {
	add := func(b Bound) {
		if b.Reachable < limit {
			all = append(all, b)
		}
	}
	if f.Tasks != Unknown {
		add(Bound{By: ByTasks, Reachable: running + max(0, f.Tasks)})
	}
	if each := max(1, f.FilesEach); f.Files != Unknown {
		add(Bound{By: ByFiles, Reachable: running + max(0, f.Files-fileReserve)/each, Each: each})
	}
	if f.Processes != Unknown {
		add(Bound{By: ByProcesses, Reachable: f.Processes})
	}
	if f.Memory != Unknown && f.PerWorker > 0 {
		add(Bound{By: ByMemory, Reachable: running + int(f.Memory/f.PerWorker), EachBytes: f.PerWorker})
	}
	return all
}
