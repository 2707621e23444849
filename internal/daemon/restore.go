package daemon

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/adopt"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
)

// kept is what came back from the descriptor store.
type kept struct {
	state, reports int // -1 = not there
	board, wake    int
	flow           [2]int
	workers        map[uint64]int // pidfds by generation
	channels       map[uint64]int // status channels, the same
}

// sortKept looks through the stored descriptors by name. Newest come first, so
// of two with one name the first counts.
func (d *daemon) sortKept() kept {
	k := kept{
		state: -1, reports: -1, board: -1, wake: -1, flow: [2]int{-1, -1}, workers: map[uint64]int{}, channels: map[uint64]int{},
	}
	for _, s := range d.sockets.Stored {
		if !k.single(s) && !numbered(k.workers, workerName, s) && !numbered(k.channels, channelName, s) {
			_ = unix.Close(s.FD)
		}
	}
	d.sockets.Stored = nil
	return k
}

// single takes s if it is one of those of which there is one.
func (k *kept) single(s activation.Stored) bool {
	for name, place := range map[string]*int{
		stateName: &k.state, reportsName: &k.reports, boardName: &k.board, wakeName: &k.wake,
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

// openState opens the state of an earlier availd, or makes a new one. lost says
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
		d.log.Error("the state of the earlier availd cannot be used: "+err.Error()+
			"; its workers are looked for in the control group", "event", "internal")
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + stateName)
	}
	f, err := state.Create()
	if err != nil {
		return system(err)
	}
	d.state, d.lost = f, true
	return nil
}

// openReports takes the report socket of an earlier availd, whose queue holds
// what workers said meanwhile, or opens one.
func (d *daemon) openReports() error {
	if !d.hears() {
		return nil
	}
	if d.kept.reports >= 0 {
		s, err := report.Adopt(d.kept.reports)
		if err == nil {
			d.reports = s
			return nil
		}
		d.log.Warn("the earlier report socket cannot be used: "+err.Error()+", opening another", "event", "internal")
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + reportsName)
	}
	s, err := listenReports(d.cfg.NotifySocket, runtimeDirectory())
	if err != nil {
		return system(err)
	}
	d.reports, d.deaf = s, true
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
	d.fingerprint = d.fingerprintOf()
	before, known := d.state.Service()
	found := adopt.Find(d.state.Records(), d.kept.workers, d.lost, adopt.Real(d.command.Session))
	if !known && len(found.Workers) == 0 && len(d.kept.channels) == 0 {
		return nil
	}
	r := &loop.Restored{Memory: policy.Forgotten()}
	if known {
		r.Memory, r.Tally, r.Started = memoryOf(before), tallyOf(before), time.Unix(0, before.Started)
		d.started = r.Started
	}
	r.Upgraded = d.handed
	for _, gone := range found.Gone {
		d.state.Free(gone.Slot)
		if gone.PID != 0 {
			r.Memory.Counters.Exited++
			r.Memory.Counters.UnknownExits++
			r.Tally.Exits[status.ExitUnknown]++
		}
	}
	mute := false
	for _, w := range found.Workers {
		r.Workers = append(r.Workers, d.restored(w))
		r.Memory.Generation = max(r.Memory.Generation, w.Generation)
		mute = mute || d.isMute(w)
	}
	r.Channels = d.ownerless()
	if !known || before.Command != d.fingerprint || mute {
		r.Memory.RolledUpTo = r.Memory.Generation
	}
	return r
}

// isMute: it shows what it does on a board that is lost, or is about to, as one
// that is being born may be.
func (d *daemon) isMute(w adopt.Worker) bool {
	starting := w.Mark.State != policy.IdleState && w.Mark.State != policy.BusyState
	return d.boardless && (w.Mark.Board || starting)
}

// restored completes the record of a found worker. What it does now is not
// known if nothing was written, or if its reports went to a socket that is
// lost: then it is taken for busy, which delays nobody.
func (d *daemon) restored(w adopt.Worker) loop.RestoredWorker {
	e := entryOf(w.Record)
	if w.Slot < 0 {
		e.Born = monotonic()
		if slot, err := d.state.Intend(w.Generation, int64(e.Born), false); err == nil {
			w.Slot = slot
		}
	}
	if w.Slot >= 0 && w.Start != 0 { // it may have been found out only now
		d.state.Born(w.Slot, w.PID, w.Start)
	}
	if stat, _ := procfs.ReadStat(w.PID); stat.Parent != os.Getpid() && d.reports != nil {
		d.reports.DoubtAlways() // the service manager collects it, unknown to us
	}
	if d.deaf || d.lost || d.isMute(w) {
		e.State, e.Taken = policy.BusyState, true
	}
	restored := loop.RestoredWorker{
		Process: loop.Process{PID: w.PID, FD: w.FD}, Entry: e, Slot: w.Slot, Stored: w.Stored && !d.handed,
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
		if !unusable(err) {
			return nil, fmt.Errorf("open report socket: %w", err)
		}
	}
	return report.Listen("")
}

// unusable are the reasons for which a runtime directory cannot be used.
func unusable(err error) bool {
	return errors.Is(err, report.ErrPathTooLong) || errors.Is(err, os.ErrPermission) ||
		errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOTDIR)
}
