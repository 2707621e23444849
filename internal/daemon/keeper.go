package daemon

import (
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/demand"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// Names of what is kept in the service manager's descriptor store
// (FDSTORE=1 of sd_notify(3)).
const (
	stateName   = "availd.state"
	reportsName = "availd.notify"
	boardName   = "availd.board"
	wakeName    = "availd.wake" // the board's eventfd
	workerName  = "availd.w."   // and the generation
)

// keeper writes the loop's changes into the state and the store.
func (d *daemon) keeper() loop.Keeper {
	return loop.Keeper{
		Intend: func(generation uint64, born policy.Instant, stress bool) (int, error) {
			return d.state.Intend(generation, int64(born), stress)
		},
		Born: func(slot int, p loop.Process) { d.state.Born(slot, p.PID, 0) },
		Mark: func(slot int, e policy.Entry, onBoard bool) {
			m := markOf(e)
			m.Board = onBoard
			d.state.Mark(slot, m)
		},
		Free:     func(slot int) { d.state.Free(slot) },
		Remember: d.remember,
		Store:    d.store,
		Unstore: func(generation uint64) {
			d.tell(fmt.Sprintf("FDSTOREREMOVE=1\nFDNAME=%s%d", workerName, generation))
		},
	}
}

// store writes the start time here and not at the birth, as a look into /proc costs
// as much as half a clone. The number of a process that is not our child may have
// become another's; such a one has been found by its time, or by its descriptor.
func (d *daemon) store(slot int, generation uint64, p loop.Process) {
	if s, ok := procfs.ReadStat(p.PID); ok && slot >= 0 && s.Parent == os.Getpid() {
		d.state.Born(slot, p.PID, s.Start)
	}
	d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s%d", workerName, generation), p.FD))
}

func markOf(e policy.Entry) state.Mark {
	return state.Mark{
		State: e.State, Leaving: e.Leaving, Told: e.Told, Taken: e.Taken, Blamed: e.Blamed, Aborted: e.Aborted,
		Held: uint16(min(e.Held, 1<<16-1)), Finished: uint32(min(int64(e.Finished), math.MaxUint32)),
	}
}

func entryOf(r state.Record) policy.Entry {
	m := r.Mark
	return policy.Entry{
		ID: r.PID, Generation: r.Generation, Born: policy.Instant(r.Born), Stress: r.Stress,
		State: m.State, Leaving: m.Leaving, Told: m.Told, Taken: m.Taken, Blamed: m.Blamed, Aborted: m.Aborted,
		Held: int(m.Held), Finished: int(m.Finished),
	}
}

// remember writes the service record, if it is another than the last one.
func (d *daemon) remember(m policy.Memory, t loop.Tally) {
	s := state.Service{
		Generation: m.Generation, RolledUpTo: m.RolledUpTo, Command: d.fingerprint,
		StressUntil: int64(m.StressUntil), LastWarning: int64(m.LastWarning),
		ThrottleDue: int64(m.ThrottleDue), ThrottleGap: int64(m.NextPause), ThrottleGen: m.ThrottleGeneration,
		CauseWhy: int64(m.Cause.Why), CauseCode: int64(m.Cause.End.Code), CauseSignal: int64(m.Cause.End.Signal),
		Started: d.started.UnixNano(), Rejected: t.Rejected.Reports, TurnedAway: t.Rejected.Connections, Counters: packCounters(m.Counters),
		Exits: t.Exits, Requests: keptHistogram(t.Requests), Starts: keptHistogram(t.Starts),
		Startup: int64(m.Startup), Calm: int64(m.Calm), Demand: t.Demand.Words(),
	}
	if m.Throttled {
		s.Throttled = 1
	}
	if m.Reported {
		s.Reported = 1
	}
	if m.Healthy {
		s.Healthy = 1
	}
	if s != d.written {
		d.written = s
		d.state.SetService(s)
	}
}

func memoryOf(s state.Service) policy.Memory {
	return policy.Memory{
		Generation: s.Generation, RolledUpTo: s.RolledUpTo,
		StressUntil: policy.Instant(s.StressUntil), LastWarning: policy.Instant(s.LastWarning),
		Throttled: s.Throttled == 1, Healthy: s.Healthy == 1, ThrottleDue: policy.Instant(s.ThrottleDue), NextPause: policy.Instant(s.ThrottleGap),
		ThrottleGeneration: s.ThrottleGen, Counters: unpackCounters(s.Counters),
		Reported: s.Reported == 1, Startup: time.Duration(s.Startup), Calm: int(s.Calm),
		Cause: policy.Action{
			Kind: policy.Throttle, Why: policy.Why(s.CauseWhy),
			End: policy.End{Code: int(s.CauseCode), Signal: int(s.CauseSignal)},
		},
	}
}

func tallyOf(s state.Service) loop.Tally {
	return loop.Tally{
		Rejected: loop.Rejected{Reports: s.Rejected, Connections: s.TurnedAway}, Exits: s.Exits,
		Requests: histogramOf(s.Requests), Starts: histogramOf(s.Starts), Demand: demand.Kept(s.Demand),
	}
}

func keptHistogram(h status.Histogram) state.Histogram {
	return state.Histogram{Counts: h.Counts, Sum: int64(h.Sum)}
}

func histogramOf(h state.Histogram) status.Histogram {
	return status.Histogram{Counts: h.Counts, Sum: time.Duration(h.Sum)}
}

// packCounters fixes the place of each counter in the state.
func packCounters(c policy.Counters) [16]uint64 {
	return [16]uint64{
		c.Spawned, c.SpawnFailures, c.Exited, c.BadStarts, c.Killed, c.Requests, c.LimitReached,
		c.Throttles, c.StressEpisodes, c.UnknownExits, c.Adopted,
	}
}

func unpackCounters(w [16]uint64) policy.Counters {
	return policy.Counters{
		Spawned: w[0], SpawnFailures: w[1], Exited: w[2], BadStarts: w[3], Killed: w[4], Requests: w[5],
		LimitReached: w[6], Throttles: w[7], StressEpisodes: w[8], UnknownExits: w[9], Adopted: w[10],
	}
}

// fingerprintOf tells whether workers born earlier run what workers born now
// would: the command, the sockets in their order, and where they report.
func (d *daemon) fingerprintOf() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %q %s %s\n", d.path, d.cfg.Command[1:], d.cfg.Protocol, d.reportAddress())
	for _, s := range d.sockets.Workers {
		fmt.Fprintf(h, "%s %s %d\n", s.Name, s.Address, inodeOf(s.FD))
	}
	return h.Sum64()
}

// inodeOf tells two sockets of the same address apart: workers hold the old one
// after a socket unit was restarted.
func inodeOf(fd int) uint64 {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return 0
	}
	return st.Ino
}
