package survivors

import (
	"cmp"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/state"
)

// Worker is one that was found. FD is its pidfd, which now belongs to the
// caller. Stored says that the service manager's store has a copy.
type Worker struct {
	state.Record
	FD     int
	Stored bool
}

// Found is what came out.
type Found struct {
	Workers []Worker       // in order of generation
	Gone    []state.Record // ended while nobody looked, or never started
}

// World is what is looked at. [Real] is the real one.
type World struct {
	Members    func() []int               // of the unit's control group
	Self       int                        // this process
	Manager    int                        // the parent of orphans in this unit
	Sessions   bool                       // workers lead sessions of their own
	Open       func(pid int) (int, error) // a pidfd
	PidOf      func(pidfd int) int        // -1: it has ended, 0: it is none
	Stat       func(pid int) (procfs.Stat, bool)
	Generation func(pid int) (uint64, bool) // from its first environment
	Inherited  func(pid int) bool           // … which was made for another process
	Family     func(pid int) (int, bool)    // the template that a process is, or was forked by
}

// Find looks for workers that outlived an earlier availd of this service: those on record,
// by the descriptors that were kept of them or by pid and start time, and those whose start
// was on record only as an intent, in the unit's control group. A record whose process is
// not there is in Found.Gone.
//
// It is looking only. It signals nobody, and a process that it does not recognise (a
// stranger, a daemonised grandchild) it leaves alone: what cannot be found out about a
// process means that it is not recognised.
//
// records are what was written down, and kept the pidfds that came back
// from the store, by generation; Find closes those that it does not return.
// Without a record at all (lost is true) it adopts what says of itself that it
// is a worker.
func Find(records []state.Record, kept map[uint64]int, lost bool, w World) Found {
	f := finder{world: w, kept: kept, known: map[int]bool{w.Self: true}}
	for _, r := range records {
		f.record(r)
	}
	f.members(lost)
	f.found.Gone = append(f.found.Gone, f.intents...)
	for _, fd := range kept {
		_ = unix.Close(fd)
	}
	slices.SortFunc(f.found.Workers, func(a, b Worker) int { return cmp.Compare(a.Generation, b.Generation) })
	return f.found
}

type finder struct {
	world   World
	kept    map[uint64]int
	known   map[int]bool
	intents []state.Record
	found   Found
}

// record finds the process of one record.
func (f *finder) record(r state.Record) {
	if r.PID == 0 {
		f.intents = append(f.intents, r)
		return
	}
	if fd, ok := f.kept[r.Generation]; ok {
		delete(f.kept, r.Generation)
		if pid := f.world.PidOf(fd); pid == r.PID || pid < 0 {
			f.take(Worker{Record: r, FD: fd, Stored: true})
			return
		}
		_ = unix.Close(fd)
	}
	f.byPid(r)
}

// byPid opens the process of that number, and only then looks at its start
// time: whatever the number stands for from now on, the descriptor stays with
// the process that was looked at.
func (f *finder) byPid(r state.Record) {
	fd, err := f.world.Open(r.PID)
	if err != nil {
		f.found.Gone = append(f.found.Gone, r)
		return
	}
	s, ok := f.world.Stat(r.PID)
	switch {
	case !ok && f.isUnseen(r.PID):
		f.take(Worker{Record: r, FD: fd})
		return
	case r.Start == 0: // it was not a second old: no time for its number to be another's
		ok = ok && (f.isOrphan(r.PID, s) || s.Parent == f.world.Self) // or is ours still, after an upgrade
	default:
		ok = ok && s.Start == r.Start
	}
	if !ok {
		_ = unix.Close(fd)
		f.found.Gone = append(f.found.Gone, r)
		return
	}
	r.Start = s.Start
	f.take(Worker{Record: r, FD: fd})
}

// isUnseen reports whether a process is in the control group, and not in /proc. With
// ProtectProc=invisible that hides what may not be traced (hidepid= of proc(5)), and with
// PrivateUsers= each start has a user namespace of its own, from which workers of the one
// before may not be traced. What is of our group is of our service: that the number is by
// now another process of it is less likely than that a crash of availd doubles the pool.
func (f *finder) isUnseen(pid int) bool {
	if _, visible := f.world.Stat(pid); visible {
		return false
	}
	return slices.Contains(f.world.Members(), pid)
}

func (f *finder) take(w Worker) {
	f.known[w.PID] = true
	f.found.Workers = append(f.found.Workers, w)
}

// isOrphan reports whether a process may be a worker whose availd is gone: the
// manager is its parent, and it leads a process group of its own, but no session,
// unless workers do: a leader of a group cannot make one (setsid(2)), so who leads one
// is somebody's daemon.
func (f *finder) isOrphan(pid int, s procfs.Stat) bool {
	return s.Parent == f.world.Manager && s.Group == pid && (s.Session != pid || f.world.Sessions)
}

// members looks through the control group for starts whose pid was not written
// any more. What a worker has started has the worker's environment.
func (f *finder) members(lost bool) {
	if len(f.intents) == 0 && !lost {
		return
	}
	var orphans []orphan
	for _, pid := range f.world.Members() {
		s, ok := f.world.Stat(pid)
		if f.known[pid] || !ok || !f.isOrphan(pid, s) || f.world.Inherited(pid) {
			continue
		}
		if template, forked := f.family(pid); forked && (template == pid || !lost) {
			continue // a template is no worker; and what one has forked unknown to us says so to it
		}
		orphans = append(orphans, orphan{pid, s})
	}
	// Where that does not tell, a worker is older than what it has started.
	slices.SortStableFunc(orphans, func(a, b orphan) int { return cmp.Compare(a.stat.Start, b.stat.Start) })
	for _, o := range orphans {
		f.member(o.pid, o.stat, lost)
	}
}

type orphan struct {
	pid  int
	stat procfs.Stat
}

func (f *finder) family(pid int) (template int, forked bool) {
	if f.world.Family == nil {
		return 0, false
	}
	return f.world.Family(pid)
}

// next is a generation that no worker has, for one that cannot be asked for its own.
func (f *finder) next() (generation uint64) {
	for _, w := range f.found.Workers {
		generation = max(generation, w.Generation)
	}
	return generation + 1
}

// taken reports whether there is a worker of that generation already.
func (f *finder) taken(generation uint64) bool {
	return slices.ContainsFunc(f.found.Workers, func(w Worker) bool { return w.Generation == generation })
}

func (f *finder) member(pid int, s procfs.Stat, lost bool) {
	generation, says := f.world.Generation(pid)
	if _, forked := f.family(pid); forked { // it says its template's
		generation, says = f.next(), true
	}
	i := slices.IndexFunc(f.intents, func(r state.Record) bool { return !says || r.Generation == generation })
	var r state.Record
	switch {
	case i >= 0:
		r = f.intents[i]
		f.intents = slices.Delete(f.intents, i, i+1)
	case says && lost && !f.taken(generation):
		r = state.Record{Slot: -1, Generation: generation}
	default:
		return
	}
	fd, err := f.world.Open(pid)
	if err != nil {
		return
	}
	if again, ok := f.world.Stat(pid); !ok || again != s {
		_ = unix.Close(fd)
		return
	}
	r.PID, r.Start = pid, s.Start
	f.take(Worker{Record: r, FD: fd})
}
