package daemon

import (
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Names of what workers with a status channel hold the other ends of, in the store.
const (
	flowReadName  = "availd.flow.r"
	flowWriteName = "availd.flow.w"
	channelName   = "availd.c." // and the generation
)

// openFlow takes the pipe of an earlier availd, or makes one: daemons that send
// mail into the queue and such that take it out slow each other down with it. It
// is empty, does not block, and is availd's only to hold.
func (d *daemon) openFlow() error {
	if !d.cfg.Protocol.Channel {
		return nil
	}
	d.flow = d.kept.flow
	if d.flow[0] >= 0 && d.flow[1] >= 0 {
		return nil
	}
	if err := unix.Pipe2(d.flow[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return system(os.NewSyscallError("pipe2", err))
	}
	return nil
}

// startWithChannel starts a worker with a status channel of its own. The
// service manager has our end before the start: were we killed right after it, the
// daemon would leave. It drops its copy by itself when nobody holds the other end.
func (d *daemon) startWithChannel(generation uint64, stress bool) (spawn.Process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return spawn.Process{}, os.NewSyscallError("socketpair", err)
	}
	if err := nowait.RefuseDescriptors(pair[0]); err != nil {
		_, _ = unix.Close(pair[0]), unix.Close(pair[1])
		return spawn.Process{}, err
	}
	d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDNAME=%s%d", channelName, generation), pair[0]))
	given := d.given()
	given.Generation, given.Channel = generation, pair[1]
	p, err := d.spawn(generation, stress, d.cfg.Protocol.Handover(given))
	if err != nil {
		_, _ = unix.Close(pair[0]), unix.Close(pair[1])
		return spawn.Process{}, err
	}
	p.Channel, p.Given = pair[0], pair[1]
	return p, nil
}

// storeFlow follows storeOwn.
func (d *daemon) storeFlow() {
	if d.cfg.Protocol.Channel {
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+flowReadName, d.flow[0]))
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+flowWriteName, d.flow[1]))
	}
}

// takeChannel gives an adopted worker its channel. Without one it has heard the
// end-of-file that asks it to retire, and what it does meanwhile is not heard: it is
// taken for busy.
func (d *daemon) takeChannel(w *loop.RestoredWorker) {
	fd, ok := d.kept.channels[w.Entry.Generation]
	delete(d.kept.channels, w.Entry.Generation)
	switch {
	case ok:
		_ = nowait.RefuseDescriptors(fd) // an older availd did not; it matters to nobody else
		w.Channel = fd
	case d.cfg.Protocol.Channel:
		w.Entry.State, w.Entry.Taken, w.Entry.Retiring, w.Entry.Told = policy.BusyState, true, true, true
	}
}

// ownerless are the channels whose workers are gone.
func (d *daemon) ownerless() (list []loop.Handed) {
	for generation, fd := range d.kept.channels {
		list = append(list, loop.Handed{Generation: generation, FD: fd})
	}
	d.kept.channels = nil
	slices.SortFunc(list, func(a, b loop.Handed) int { return int(a.Generation) - int(b.Generation) })
	return list
}
