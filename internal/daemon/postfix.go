package daemon

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// Names of what daemons of Postfix hold the other ends of, in the store.
const (
	flowReadName  = "availd.flow.r"
	flowWriteName = "availd.flow.w"
	channelName   = "availd.c." // and the generation
)

// Rules for Postfix's daemons that have no option.
const (
	// quickExits: they may leave at once for a good reason, but not always.
	quickExits = 3
	// lockedTimeout is in ignoreTimeout's place. All idle daemons but one wait for
	// the lock before accept, in which they do not hear that they are to leave;
	// how long depends on the clients, and on max_idle of postconf(5).
	lockedTimeout = time.Hour
)

// isPostfix: workers are daemons of Postfix, which takes availd for its master(8).
func (d *daemon) isPostfix() bool { return d.cfg.Protocol == config.ProtocolPostfix }

// postfixRules are those of workers that are asked by their status channel.
func postfixRules(cfg config.Config, p *policy.Config) {
	p.NoRetireSignal = cfg.Retire() == config.RetireNone
	p.QuickExits, p.ProvenAfter, p.IgnoreTimeout, p.StartTimeout = quickExits, provenAfter, lockedTimeout, 0
}

// checkSocketCount compares the number of sockets with what the daemon is told by
// -s, without which it looks at the first one only: the clients of the others
// would start one daemon after the other, and wait for ever.
func (d *daemon) checkSocketCount() error {
	told, have := socketCount(d.cfg.Command[1:]), len(d.sockets.Workers)
	if told == have {
		return nil
	}
	return fmt.Errorf("the daemon is told of %d sockets and gets %d: write -s %d into the worker's command, or change the ListenStream= lines of the socket unit",
		told, have, have)
}

// flagsWithValue are the options of Postfix's daemons that take a value.
const flagsWithValue = "imnost"

// socketCount is the value of -s, 1 without, as getopt(3) reads the arguments.
func socketCount(args []string) int {
	count := 1
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		if len(arg) < 2 || arg[0] != '-' || arg == "--" {
			return count
		}
		at := strings.IndexAny(arg[1:], flagsWithValue) + 1
		if at == 0 {
			continue
		}
		value := arg[at+1:]
		if value == "" && len(args) > 0 {
			value, args = args[0], args[1:]
		}
		if arg[at] == 's' {
			count, _ = strconv.Atoi(value) // the daemon refuses nonsense itself
		}
	}
	return count
}

// openFlow takes the pipe of an earlier availd, or makes one: daemons that send
// mail into the queue and such that take it out slow each other down with it. It
// is empty, does not block, and is availd's only to hold.
func (d *daemon) openFlow() error {
	if !d.isPostfix() {
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

// startPostfix gives birth to a daemon with a status channel of its own. The
// service manager has our end before the birth: were we killed right after it, the
// daemon would leave. It drops its copy by itself when nobody holds the other end.
func (d *daemon) startPostfix(generation uint64, stress bool) (loop.Process, error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return loop.Process{}, os.NewSyscallError("socketpair", err)
	}
	defer func() { _ = unix.Close(pair[1]) }()
	d.complain(d.notifier.SendFDs(fmt.Sprintf("FDSTORE=1\nFDNAME=%s%d", channelName, generation), pair[0]))
	p, err := d.bear(generation, stress, d.postfixHandover(generation, pair[1]))
	if err != nil {
		_ = unix.Close(pair[0])
		return loop.Process{}, err
	}
	return loop.Process{PID: p.PID, FD: p.FD, Channel: pair[0]}, nil
}

// postfixHandover is what master(8) gives its daemons (master_proto.h): the flow
// pipe on 3 and 4, the status channel on 5, the listening sockets from 6 on, and
// GENERATION in octal.
func (d *daemon) postfixHandover(generation uint64, channel int) spawn.Handover {
	h := spawn.Handover{
		Files: []int{spawn.Null, 1, 2, d.flow[0], d.flow[1], channel},
		Env:   []string{"GENERATION=" + strconv.FormatUint(uint64(uint32(generation)), 8)},
	}
	for _, s := range d.sockets.Workers {
		h.Files = append(h.Files, s.FD)
	}
	return h
}

// storeFlow follows storeOwn.
func (d *daemon) storeFlow() {
	if d.isPostfix() {
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+flowReadName, d.flow[0]))
		d.complain(d.notifier.SendFDs("FDSTORE=1\nFDPOLL=0\nFDNAME="+flowWriteName, d.flow[1]))
	}
}

// takeChannel gives an adopted worker its channel. Without one it has heard the
// end-of-file that asks it to leave, and what it does meanwhile is not heard: it is
// taken for busy.
func (d *daemon) takeChannel(w *loop.RestoredWorker) {
	fd, ok := d.kept.channels[w.Entry.Generation]
	delete(d.kept.channels, w.Entry.Generation)
	switch {
	case ok:
		w.Channel = fd
	case d.isPostfix():
		w.Entry.State, w.Entry.Taken, w.Entry.Leaving, w.Entry.Told = policy.BusyState, true, true, true
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
