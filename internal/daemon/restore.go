package daemon

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/survivors"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// kept is what came back from the descriptor store.
type kept struct {
	state, reports int // -1 = not there
	history        int
	board, wake    int
	control        int
	flow           [2]int
	workers        map[uint64]int // pidfds by generation
	channels       map[uint64]int // status channels, the same
	templates      map[uint64]int // channels of templates, by pid
	leaving        map[uint64]int // … of those that are to exit
	pidfds         map[uint64]int // their pidfds, the same
}

// sortKept looks through the stored descriptors by name. Newest come first, so
// of two with one name the first counts.
func (d *daemon) sortKept() kept {
	k := kept{
		state: -1, reports: -1, history: -1, board: -1, wake: -1, control: -1, flow: [2]int{-1, -1}, workers: map[uint64]int{}, channels: map[uint64]int{},
		templates: map[uint64]int{}, leaving: map[uint64]int{}, pidfds: map[uint64]int{},
	}
	for _, s := range d.sockets.Stored {
		if !k.single(s) && !numbered(k.workers, workerName, s) && !numbered(k.channels, channelName, s) &&
			!numbered(k.templates, templateName, s) && !numbered(k.leaving, leavingName, s) && !numbered(k.pidfds, pidfdName, s) {
			_ = unix.Close(s.FD)
		}
	}
	d.sockets.Stored = nil
	return k
}

// single takes s if it is a descriptor that the store holds only once, such as the
// state or the report socket, in contrast to the workers.
func (k *kept) single(s activation.Stored) bool {
	for name, place := range map[string]*int{
		stateName: &k.state, historyName: &k.history, reportsName: &k.reports, boardName: &k.board, wakeName: &k.wake, controlName: &k.control,
		flowReadName: &k.flow[0], flowWriteName: &k.flow[1],
	} {
		if s.Name == name && *place < 0 {
			*place = s.FD
			return true
		}
	}
	return false
}

// numbered takes s if its name is prefix and a generation.
func numbered(list map[uint64]int, prefix string, s activation.Stored) bool {
	text, ok := strings.CutPrefix(s.Name, prefix)
	generation, err := strconv.ParseUint(text, 10, 64)
	_, twice := list[generation]
	if !ok || err != nil || twice {
		return false
	}
	list[generation] = s.FD
	return true
}

// openState opens the state of an earlier availd, or makes a new one. stateLost says
// that there is none although this is not the first start.
func (d *daemon) openState() error {
	d.kept = d.sortKept()
	d.started = time.Now()
	if d.kept.state >= 0 {
		f, err := state.Open(d.kept.state)
		if err == nil {
			d.state = f
			return nil
		}
		event.Log(d.log, event.StateLost, event.Cause(err))
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + stateName)
	}
	f, err := state.Create()
	if err != nil {
		return system(err)
	}
	d.state, d.stateLost = f, true
	return nil
}

// openReports takes the report socket of an earlier availd, whose queue holds
// what workers said meanwhile, or opens one.
func (d *daemon) openReports() error {
	if !d.cfg.Protocol.Reports {
		return nil
	}
	if d.kept.reports >= 0 {
		s, err := report.Adopt(d.kept.reports)
		if err == nil {
			d.reports = s
			return nil
		}
		event.Log(d.log, event.ReportsLost, event.Cause(err))
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + reportsName)
	}
	s, err := listenReports(d.cfg.NotifySocket, runtimeDirectory())
	if err != nil {
		return system(err)
	}
	d.reports, d.reportsLost = s, true
	return nil
}

// endReports removes the report socket after an orderly end, when no worker is
// left to use it. The next start of a restart must not be handed one that
// nobody can reach.
func (d *daemon) endReports() {
	if d.reports == nil {
		return
	}
	_ = d.reports.Remove()
	d.tell("FDSTOREREMOVE=1\nFDNAME=" + reportsName)
}

// storeOwn gives the service manager copies of what the next availd needs
// first. The state comes first: with it alone workers can be found.
func (d *daemon) storeOwn() {
	d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+stateName, d.state.FD()))
	if d.area != nil {
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+historyName, d.area.FD))
	}
	if d.reports != nil {
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+reportsName, d.reports.FD()))
	}
	if d.board != nil {
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+boardName, d.board.FD()))
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+wakeName, d.board.WakeFD()))
	}
}

// restore finds the workers of an earlier availd, nil if there was none.
func (d *daemon) restore() *loop.Restored {
	d.fingerprint, d.program = d.fingerprintOf(), d.programOf()
	before, known := d.state.Service()
	found := survivors.Find(d.state.Records(), d.kept.workers, d.stateLost, d.world())
	templates := d.keptTemplates(known && before.Command == d.fingerprint)
	if !known && len(found.Workers) == 0 && len(d.kept.channels) == 0 && len(templates) == 0 {
		return nil
	}
	r := &loop.Restored{Memory: policy.Forgotten(), Templates: templates}
	if known {
		r.Memory, r.Tally, r.Started = memoryOf(before), tallyOf(before), time.Unix(0, before.Started)
		d.started = r.Started
		d.forgetOther(&r.Memory, before, len(found.Workers) > 0)
		r.Memory.Reported = r.Memory.Reported && (d.cfg.Protocol.Reports || d.object != "") // nobody can, where --preload was taken back
	}
	r.Upgraded = d.handed
	for _, gone := range found.Gone {
		if gone.PID == 0 && len(templates) > 0 { // a template may be about to fork it, or have
			r.Orders = append(r.Orders, loop.RestoredOrder{Entry: entryOf(gone), Slot: gone.Slot})
			continue
		}
		d.state.Free(gone.Slot)
		d.tell(fmt.Sprintf("FDSTOREREMOVE=1\nFDNAME=%s%d", workerName, gone.Generation))
		// The generation of a start that was only intended is used up, too: a
		// process that was not found may have it in its environment.
		r.Memory.Generation = max(r.Memory.Generation, gone.Generation)
		if gone.PID != 0 {
			r.Memory.Counters.Exited++
			r.Memory.Counters.UnknownExits++
			r.Tally.Exits[status.ExitUnknown]++
		}
	}
	unheard := false
	d.adopted = map[int]bool{}
	for _, w := range found.Workers {
		d.adopted[w.PID] = true
		r.Workers = append(r.Workers, d.restored(w))
		r.Memory.Generation = max(r.Memory.Generation, w.Generation)
		unheard = unheard || d.cannotReport(w)
	}
	slices.SortFunc(r.Orders, func(a, b loop.RestoredOrder) int { return cmp.Compare(a.Entry.Generation, b.Entry.Generation) })
	for _, o := range r.Orders {
		r.Memory.Generation = max(r.Memory.Generation, o.Entry.Generation)
	}
	r.Channels = d.ownerless()
	if !known || before.Command != d.fingerprint || unheard {
		r.Memory.RolledUpTo = r.Memory.Generation
	}
	return r
}

// cannotReport: it shows what it does on a board that is lost, or is about to, as one
// that is being started may be.
func (d *daemon) cannotReport(w survivors.Worker) bool {
	starting := w.Mark.State != policy.IdleState && w.Mark.State != policy.BusyState
	return d.boardLost && (w.Mark.Board || starting)
}

// restored completes the record of a found worker. What it does now is not
// known if nothing was written, or if its reports went to a socket that is
// lost: then it is taken for busy, which delays nobody.
func (d *daemon) restored(w survivors.Worker) loop.RestoredWorker {
	e := entryOf(w.Record)
	if w.Slot < 0 {
		e.Started = monotonic()
		if slot, err := d.state.Intend(w.Generation, int64(e.Started), false); err == nil {
			w.Slot = slot
		}
	}
	if w.Slot >= 0 && w.Start != 0 { // it may have been found out only now
		d.state.Started(w.Slot, w.PID, w.Start)
	}
	stat, continues, seen := procfs.ReadStatAnd(w.PID, unix.SIGCONT)
	if stat.Parent != os.Getpid() && d.reports != nil {
		d.reports.DoubtAlways() // the service manager collects it, unknown to us
	}
	if d.reportsLost || d.stateLost || d.cannotReport(w) {
		e.State, e.Taken = policy.BusyState, true
	}
	restored := loop.RestoredWorker{
		Process: spawn.Process{PID: w.PID, FD: w.FD, Alone: seen && stat.Group != w.PID, Start: w.Start}, Entry: e, Slot: w.Slot, Stored: w.Stored && !d.handed,
		MayBeStopped: !continues || procfs.MayBeStopped(w.PID), // as there, without a second look at most programs
	}
	d.takeChannel(&restored)
	return restored
}

// listenReports opens the report socket: where the administrator says, else in
// the runtime directory, else under an abstract name that nobody can guess.
func listenReports(wanted, dir string) (*report.Socket, error) {
	if wanted != "" {
		return report.Listen(wanted)
	}
	if dir != "" {
		s, err := report.Listen(dir + "/notify")
		if err == nil {
			return s, nil
		}
		if errors.Is(err, report.ErrInUse) { // there is another availd
			return nil, fmt.Errorf("open report socket: %w", err)
		}
	}
	return report.Listen("")
}
