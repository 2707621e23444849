package survivors

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/state"
)

// member is one of a made-up control group.
type member struct {
	pid        int
	stat       procfs.Stat
	generation uint64 // in its environment, 0 = there is none
	inherited  bool
	unseen     bool // in the control group, and not in /proc
	family     int  // its template, 0 = it has none
}

// orphaned is a process whose parent, the first availd, was killed.
func orphaned(pid int, start, generation uint64) member {
	return member{pid, procfs.Stat{Parent: 1, Group: pid, Session: 90, Start: start}, generation, false, false, 0}
}

// forked is template 300, or one of its forks.
func forked(pid int) member { return orphaned(pid, 60, 0).with(func(p *member) { p.family = 300 }) }

func (p member) with(change func(*member)) member { change(&p); return p }

// world has these processes in the control group; this one is 100.
func world(all ...member) World {
	find := func(pid int) (member, bool) {
		i := slices.IndexFunc(all, func(p member) bool { return p.pid == pid })
		if i < 0 {
			return member{}, false
		}
		return all[i], true
	}
	return World{
		Members: func() (pids []int) {
			for _, p := range all {
				pids = append(pids, p.pid)
			}
			return append(pids, 100)
		},
		Self: 100, Manager: 1,
		Open: func(pid int) (int, error) {
			if _, ok := find(pid); !ok {
				return -1, unix.ESRCH
			}
			return unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		},
		PidOf:      func(int) int { return -1 },
		Stat:       func(pid int) (procfs.Stat, bool) { p, ok := find(pid); return p.stat, ok && !p.unseen },
		Generation: func(pid int) (uint64, bool) { p, _ := find(pid); return p.generation, p.generation > 0 },
		Inherited:  func(pid int) bool { p, _ := find(pid); return p.inherited },
		Family:     func(pid int) (int, bool) { p, _ := find(pid); return p.family, p.family > 0 },
	}
}

func record(slot int, generation uint64, pid int, start uint64) state.Record {
	return state.Record{Slot: slot, Generation: generation, PID: pid, Start: start}
}

func TestFind(t *testing.T) {
	const intent = 0
	worker, grandchild := orphaned(201, 50, 7), orphaned(202, 60, 7)
	for _, test := range []struct {
		name    string
		records []state.Record
		lost    bool
		members []member
		found   []int // pids
		gone    int
	}{
		{"by pid and start", []state.Record{record(0, 7, 201, 50)}, false, []member{worker}, []int{201}, 0},
		{"the pid is another's by now", []state.Record{record(0, 7, 201, 49)}, false, []member{worker}, nil, 1},
		{"by pid, a new worker", []state.Record{record(0, 7, 201, 0)}, false, []member{worker}, []int{201}, 0},
		{
			"a new worker's pid is another's by now",
			[]state.Record{record(0, 7, 201, 0), record(1, 8, 202, 0), record(2, 9, 203, 0)},
			false,
			[]member{
				worker.with(func(p *member) { p.stat.Parent = 200 }),
				grandchild.with(func(p *member) { p.stat.Group = 200 }),
				orphaned(203, 50, 9).with(func(p *member) { p.stat.Session = 203 }),
			},
			nil, 3,
		},
		{
			"hidden, with and without a start time",
			[]state.Record{record(0, 7, 201, 50), record(1, 8, 202, 0), record(2, 9, 203, 0)},
			false,
			[]member{worker.with(func(p *member) { p.unseen = true }), grandchild.with(func(p *member) { p.unseen = true })},
			[]int{201, 202},
			1,
		},
		{"it is gone", []state.Record{record(0, 7, 201, 50)}, false, nil, nil, 1},
		{"an intent, started", []state.Record{record(0, 7, intent, 0)}, false, []member{worker}, []int{201}, 0},
		{"an intent, never started", []state.Record{record(0, 7, intent, 0)}, false, nil, nil, 1},
		{"an intent, before its exec", []state.Record{record(0, 7, intent, 0)}, false, []member{orphaned(203, 50, 0)}, []int{203}, 0},
		{"an intent, and another's worker", []state.Record{record(0, 8, intent, 0)}, false, []member{worker}, nil, 1},
		{"one intent, two candidates", []state.Record{record(0, 7, intent, 0)}, false, []member{grandchild, worker}, []int{201}, 0},
		{"no intent, nobody is looked for", []state.Record{record(0, 7, 201, 50)}, false, []member{worker, orphaned(204, 60, 8)}, []int{201}, 0},
		{"lost", nil, true, []member{worker, orphaned(204, 60, 8)}, []int{201, 204}, 0},
		{"lost, says nothing of itself", nil, true, []member{orphaned(203, 50, 0)}, nil, 0},
		{"lost, with what it has started", nil, true, []member{grandchild, worker}, []int{201}, 0},
		{"lost, outlived by what it has started", nil, true, []member{grandchild.with(func(p *member) { p.inherited = true })}, nil, 0},
		{"lost, a session's leader", nil, true, []member{grandchild.with(func(p *member) { p.stat.Session = 202 })}, nil, 0},
		{"lost, not a leader of its group", nil, true, []member{worker.with(func(p *member) { p.stat.Group = 200 })}, nil, 0},
		{"lost, somebody's child", nil, true, []member{worker.with(func(p *member) { p.stat.Parent = 200 })}, nil, 0},
		{"lost, a template and its forks", nil, true, []member{forked(300), forked(301), worker, forked(302)}, []int{201, 301, 302}, 0},
		{"an intent, a template and a fork that has not said so", []state.Record{record(0, 7, intent, 0)}, false, []member{forked(300), forked(301)}, nil, 1},
		{"a fork on record", []state.Record{record(0, 7, 301, 60)}, false, []member{forked(300), forked(301)}, []int{301}, 0},
		{
			"an intent, a session's leader",
			[]state.Record{record(0, 7, intent, 0)},
			false,
			[]member{orphaned(203, 50, 0).with(func(p *member) { p.stat.Session = 203 })},
			nil, 1,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := Find(test.records, nil, test.lost, world(test.members...))
			var pids []int
			for _, w := range f.Workers {
				pids = append(pids, w.PID)
				if err := unix.Close(w.FD); err != nil {
					t.Errorf("the descriptor of %d: %v", w.PID, err)
				}
			}
			if !slices.Equal(pids, test.found) || len(f.Gone) != test.gone {
				t.Errorf("found %v, gone %v; want %v, %d", pids, f.Gone, test.found, test.gone)
			}
		})
	}
}

// TestFindSessions: where workers lead sessions, a leader may be one; those that were
// started before that was so are found, too.
func TestFindSessions(t *testing.T) {
	leader := orphaned(203, 50, 9).with(func(p *member) { p.stat.Session = 203 })
	for _, sessions := range []bool{false, true} {
		w := world(leader, orphaned(201, 50, 7))
		w.Sessions = sessions
		f := Find([]state.Record{record(0, 7, 201, 0), record(1, 9, 203, 0)}, nil, false, w)
		for _, found := range f.Workers {
			if err := unix.Close(found.FD); err != nil {
				t.Error(err)
			}
		}
		if want := map[bool]int{false: 1, true: 2}[sessions]; len(f.Workers) != want {
			t.Errorf("sessions %t: found %+v, want %d", sessions, f.Workers, want)
		}
	}
}

// TestFindKept: a pidfd that came back stands for its process, also when it has
// ended; what stands for another, or is no pidfd, and what is not on record is closed.
func TestFindKept(t *testing.T) {
	open := func() int {
		fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	ended, other, none, unknown := open(), open(), open(), open()
	w := world(orphaned(202, 60, 8))
	w.PidOf = func(fd int) int { return map[int]int{ended: -1, other: 999, none: 0}[fd] }
	records := []state.Record{record(0, 7, 201, 50), record(1, 8, 202, 60), record(2, 6, 203, 40)}
	f := Find(records, map[uint64]int{6: none, 7: ended, 8: other, 9: unknown}, false, w)
	if len(f.Workers) != 2 || f.Workers[0].FD != ended || !f.Workers[0].Stored || f.Workers[1].Stored {
		t.Fatalf("found %+v", f.Workers)
	}
	for _, fd := range []int{f.Workers[0].FD, f.Workers[1].FD} {
		if err := unix.Close(fd); err != nil {
			t.Error(err)
		}
	}
	if err := unix.Close(unknown); !errors.Is(err, unix.EBADF) {
		t.Errorf("a descriptor of nobody was left open: %v", err)
	}
}
