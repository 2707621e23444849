package daemon

import (
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Names of what is kept in the service manager's descriptor store
// (FDSTORE=1 of sd_notify(3)).
const (
	stateName   = "availd.state"
	historyName = "availd.history"
	reportsName = "availd.notify"
	boardName   = "availd.board"
	wakeName    = "availd.wake"    // the board's eventfd
	controlName = "availd.control" // from image to image only: whoever asks a dead availd is to be told so
	workerName  = "availd.w."      // and the generation
	// Of templates, with the pid: our end of the channel, and the pidfd.
	leavingName  = "availd.leaving." // of a template that is to exit, from one image to the next
	templateName = "availd.template."
	pidfdName    = "availd.template-pidfd."
)

// keeper writes the loop's changes into the state and the store.
func (d *daemon) keeper() loop.Keeper {
	return loop.Keeper{
		Intend: func(generation uint64, started policy.Instant, stress bool) (int, error) {
			return d.state.Intend(generation, int64(started), stress)
		},
		Started: func(slot int, p spawn.Process) {
			start := p.Start
			if p.Alone && start == 0 { // a child of another process, whose number may become another's at any time
				s, _ := procfs.ReadStat(p.PID)
				start = s.Start
			}
			d.state.Started(slot, p.PID, start)
		},
		Mark: func(slot int, e policy.Entry, onBoard bool) {
			m := markOf(e)
			m.Board = onBoard
			d.state.Mark(slot, m)
		},
		Free:     func(slot int) { d.state.Free(slot) },
		Remember: d.remember,
		Identify: d.identify,
		Store: func(generation uint64, p spawn.Process) {
			d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDPOLL=0\nFDNAME=%s%d", workerName, generation), p.FD))
		},
		Unstore: func(generation uint64) {
			d.tell(fmt.Sprintf("FDSTOREREMOVE=1\nFDNAME=%s%d", workerName, generation))
		},
	}
}

// identify writes the start time here and not at the start, as a look into /proc costs
// as much as half a clone. The number of a process that is not our child may have
// become another's; such a one has been found by its time, or by its descriptor.
func (d *daemon) identify(slot int, p spawn.Process) {
	if s, ok := procfs.ReadStat(p.PID); ok && slot >= 0 && s.Parent == os.Getpid() {
		d.state.Started(slot, p.PID, s.Start)
	}
}

func markOf(e policy.Entry) state.Mark {
	return state.Mark{
		State: e.State, Retiring: e.Retiring, Told: e.Told, Taken: e.Taken, Blamed: e.Blamed, Aborted: e.Aborted,
		Held: uint16(min(e.Held, 1<<16-1)), Finished: uint32(min(int64(e.Finished), math.MaxUint32)),
	}
}

func entryOf(r state.Record) policy.Entry {
	m := r.Mark
	return policy.Entry{
		ID: r.PID, Generation: r.Generation, Started: policy.Instant(r.Started), Stress: r.Stress,
		State: m.State, Retiring: m.Retiring, Told: m.Told, Taken: m.Taken, Blamed: m.Blamed, Aborted: m.Aborted,
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
		Exits: t.Exits, Requests: t.Requests, Starts: t.Starts,
		Startup: int64(m.Startup), Calm: int64(m.Calm), Demand: t.Demand.Words(), Program: d.program, StressUpTo: m.StressUpTo,
		Waits: t.Waits, Need: t.Demand.NeedWord(), Abandoned: t.Abandoned, TemplateFailures: t.TemplateFailures, Sets: d.keptSets(),
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
		StressUntil: policy.Instant(s.StressUntil), StressUpTo: s.StressUpTo, LastWarning: policy.Instant(s.LastWarning),
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
	t := loop.Tally{
		Rejected: loop.Rejected{Reports: s.Rejected, Connections: s.TurnedAway}, Exits: s.Exits,
		Requests: s.Requests, Starts: s.Starts, Waits: s.Waits, Abandoned: s.Abandoned, TemplateFailures: s.TemplateFailures, Demand: state.KeptDemand(s.Demand),
	}
	t.Demand.KeepNeed(s.Need)
	return t
}

// packCounters fixes the place of each counter in the state.
func packCounters(c policy.Counters) [16]uint64 {
	return [16]uint64{
		c.Spawned, c.SpawnFailures, c.Exited, c.BadStarts, c.Killed, c.Requests, c.LimitReached,
		c.Throttles, c.StressEpisodes, c.UnknownExits, c.Adopted, c.Slow, c.TooLarge,
	}
}

func unpackCounters(w [16]uint64) policy.Counters {
	return policy.Counters{
		Spawned: w[0], SpawnFailures: w[1], Exited: w[2], BadStarts: w[3], Killed: w[4], Requests: w[5],
		LimitReached: w[6], Throttles: w[7], StressEpisodes: w[8], UnknownExits: w[9], Adopted: w[10], Slow: w[11], TooLarge: w[12],
	}
}

// fingerprintOf tells whether workers started earlier run what workers started now
// would: the command, the sockets in their order, and where they report.
func (d *daemon) fingerprintOf() uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%s %q %s %s\n", d.path, d.cfg.Command[1:], d.cfg.Protocol, d.reportAddress())
	if d.cfg.Preloads() {
		fmt.Fprintf(h, "%s\n", d.cfg.Preload)
	}
	if d.place != "/" && d.directory != (directory{}) { // a link on the way to it may have been moved
		fmt.Fprintf(h, "%d %d\n", d.directory.dev, d.directory.inode)
	}
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
