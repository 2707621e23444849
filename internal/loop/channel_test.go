package loop

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
)

// postfixRules are those of daemons that report on a status channel.
func postfixRules(limit int) policy.Config {
	c := daemonRules(limit)
	c.RetireSignal, c.StartTimeout, c.IgnoreTimeout = 0, 0, 0
	c.ProvenAfter, c.QuickExits = time.Second, 3
	return c
}

// newPostfix is a world with one worker, 101, that nobody has heard of yet.
func newPostfix(t *testing.T, cfg policy.Config) *world {
	t.Helper()
	w := newWorld(t, cfg)
	w.postfix = true
	w.loop.cfg.RetireSignal = 0
	w.settings = func() (Settings, error) { return Settings{Policy: cfg}, nil }
	w.connect()
	w.turn()
	w.accept()
	if c := w.condition(); c.Starting != 1 {
		t.Fatalf("%+v", c)
	}
	return w
}

// pair makes a status channel, and returns our end.
func (w *world) pair(pid int) int {
	w.t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	w.peers[pid] = pair[1]
	w.t.Cleanup(func() { w.drop(pid) })
	return pair[0]
}

// drop closes a worker's end, as its exit does.
func (w *world) drop(pid int) {
	if fd, ok := w.peers[pid]; ok {
		_ = unix.Close(fd)
		delete(w.peers, pid)
	}
}

// record is one report of a worker.
func (w *world) record(pid int, numbers ...int32) {
	w.t.Helper()
	var b bytes.Buffer
	for _, n := range numbers {
		_ = binary.Write(&b, binary.NativeEndian, n)
	}
	w.raw(pid, b.Bytes())
}

func (w *world) raw(pid int, b []byte) {
	w.t.Helper()
	if n, err := unix.Write(w.peers[pid], b); err != nil || n != len(b) {
		w.t.Fatalf("worker %d writes: %d, %v", pid, n, err)
	}
	w.turn()
}

// told reports whether the worker's end says that it is to leave.
func (w *world) toldToLeave(pid int) bool {
	n, _, err := unix.Recvfrom(w.peers[pid], make([]byte, 1), unix.MSG_DONTWAIT)
	return n == 0 && err == nil
}

func TestRecordsAreBooked(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	w.record(101, 101, 1, 0)
	if c := w.condition(); c.Busy != 1 || c.Watch != policy.WatchOn {
		t.Errorf("taken: %+v", c)
	}
	w.record(101, 101, 1, 1)
	if c := w.condition(); c.Idle != 1 || c.Counters.Requests != 1 {
		t.Errorf("free: %+v", c)
	}
	w.record(101, 101, 1, 0, 101, 1, 1, 101, 1, 1) // the last one says nothing new
	if c := w.condition(); c.Idle != 1 || c.Counters.Requests != 2 || w.loop.tally.Rejected.Reports != 0 {
		t.Errorf("two at once: %+v", c)
	}
}

// TestRejectedRecords: what makes no sense is counted, logged once for each
// worker, and changes nothing.
func TestRejectedRecords(t *testing.T) {
	for name, bad := range map[string]func(w *world){
		"another's name": func(w *world) { w.record(101, 102, 1, 0) },
		"no process":     func(w *world) { w.record(101, -1, 1, 0) },
		"generation":     func(w *world) { w.record(101, 101, 2, 0) },
		"availability":   func(w *world) { w.record(101, 101, 1, 2) },
		"negative":       func(w *world) { w.record(101, 101, 1, -1) },
		"partial":        func(w *world) { w.raw(101, []byte("hello")) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newPostfix(t, postfixRules(5))
			before := w.condition()
			bad(w)
			bad(w)
			if after := w.condition(); after != before {
				t.Errorf("was %+v, is %+v", before, after)
			}
			if n := w.said(event.ReportRejected, "worker_pid=101"); n != 1 || w.loop.tally.Rejected.Reports != 2 {
				t.Errorf("counted %d, logged %d times:\n%s", w.loop.tally.Rejected.Reports, n, w.logged.String())
			}
			w.record(101, 101, 1, 0)
			if c := w.condition(); c.Busy != 1 {
				t.Errorf("a good record after it: %+v", c)
			}
		})
	}
}

// TestAskedByChannel: an end-of-file asks one worker to leave, and what it says
// until then is heard.
func TestAskedByChannel(t *testing.T) {
	cfg := postfixRules(5)
	cfg.MaxRequests = 1
	w := newPostfix(t, cfg)
	w.record(101, 101, 1, 0)
	w.connect()
	w.turn()
	if w.toldToLeave(101) || w.toldToLeave(102) {
		t.Fatal("asked too early")
	}
	w.record(101, 101, 1, 1) // has served its share
	if !w.toldToLeave(101) || w.toldToLeave(102) {
		t.Error("101 is not asked, or 102 is")
	}
	w.record(101, 101, 1, 0) // has accepted in the same instant
	w.record(101, 101, 1, 1)
	w.drop(101)
	w.die(101, policy.End{})
	w.turn()
	if c := w.condition(); c.Total != 1 || c.Counters.Requests != 2 || c.Counters.BadStarts != 0 || len(w.loop.channels.byFD) != 1 {
		t.Errorf("%+v, %d channels", c, len(w.loop.channels.byFD))
	}
	if len(w.signals) != 0 {
		t.Errorf("signals %v", w.signals)
	}
}

// TestStressAsksAll: the start that fills the last slot comes after the others
// were asked.
func TestStressAsksAll(t *testing.T) {
	cfg := postfixRules(2)
	cfg.StressEligible = true
	w := newPostfix(t, cfg)
	w.record(101, 101, 1, 0)
	w.connect()
	w.turn()
	if !w.toldToLeave(101) || w.toldToLeave(102) || !slices.Equal(w.stress, []bool{false, true}) {
		t.Errorf("asked: %t and %t, stress %v", w.toldToLeave(101), w.toldToLeave(102), w.stress)
	}
}

// TestLastRecordCounts: what a worker said before its end is heard before its end
// is judged.
func TestLastRecordCounts(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	_, _ = unix.Write(w.peers[101], slices.Concat(native(101, 1, 0), native(101, 1, 1)))
	w.drop(101)
	w.die(101, policy.End{Code: 1})
	w.turn()
	if c := w.condition(); c.Counters.Requests != 1 || c.Counters.BadStarts != 0 || c.Total != 0 {
		t.Errorf("%+v", c)
	}
}

func native(numbers ...int32) []byte {
	var b bytes.Buffer
	for _, n := range numbers {
		_ = binary.Write(&b, binary.NativeEndian, n)
	}
	return b.Bytes()
}

// TestHungUp: a worker that shuts its channel down does not spin the loop and is
// not available; one that lives on is asked to retire, and named.
func TestHungUp(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	if err := unix.Shutdown(w.peers[101], unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	w.turn()
	if c := w.condition(); c.Retiring != 1 || c.Watch != policy.WatchOn || len(w.loop.channels.byFD) != 0 {
		t.Errorf("%+v, %d channels", c, len(w.loop.channels.byFD))
	}
	if !w.toldToLeave(101) {
		t.Error("it is not asked to retire")
	}
	if w.logged.Len() != 0 {
		t.Errorf("before it can be known: %s", w.logged.String())
	}
	w.after(time.Second)
	if n := w.said(event.ReportRejected, "reason="+event.HungUp.Name); n != 1 {
		t.Errorf("logged %d times:\n%s", n, w.logged.String())
	}
	w.die(101, policy.End{})
	w.turn()
}

// TestEndOfChannelIsNoNews where the worker is gone too.
func TestEndOfChannelIsNoNews(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	w.record(101, 101, 1, 0, 101, 1, 1)
	w.drop(101)
	w.turn() // the channel is closed a moment before the process is gone
	w.die(101, policy.End{})
	w.turn()
	w.after(time.Minute)
	if w.logged.Len() != 0 || w.loop.tally.Rejected.Reports != 0 || w.condition().Total != 0 {
		t.Errorf("%+v\n%s", w.condition(), w.logged.String())
	}
}

// TestWhatIsLeftBehind: a daemon that drains by a fork leaves a process that
// would take the end of the channel for the order to stop at once.
func TestWhatIsLeftBehind(t *testing.T) {
	cfg := postfixRules(5)
	cfg.ExitIdleTime = time.Minute
	w := newPostfix(t, cfg)
	w.record(101, 101, 1, 0, 101, 1, 1)
	w.die(101, policy.End{})
	w.turn()
	if len(w.loop.channels.byFD) != 1 || w.toldToLeave(101) {
		t.Fatalf("%d channels, told %t", len(w.loop.channels.byFD), w.toldToLeave(101))
	}
	w.record(101, 101, 1, 0)
	if w.loop.tally.Rejected.Reports != 0 || w.condition().Total != 0 {
		t.Errorf("its words count: %+v", w.condition())
	}
	w.after(time.Minute)
	if w.loop.done {
		t.Error("the service leaves although somebody works")
	}
	w.drop(101)
	w.turn()
	if len(w.loop.channels.byFD) != 0 {
		t.Error("the channel is not closed at its end")
	}
	w.after(time.Minute)
	if !w.loop.done {
		t.Error("the service does not leave")
	}
}

// TestThreeQuickEnds: daemons of Postfix may leave at once, but not always.
func TestThreeQuickEnds(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	for pid := 101; pid <= 103; pid++ {
		if c := w.condition(); c.Throttled || c.Total != 1 {
			t.Fatalf("before the end of %d: %+v", pid, c)
		}
		w.drop(pid)
		w.die(pid, policy.End{})
		if pid < 103 {
			w.connect()
		}
		w.turn()
	}
	if c := w.condition(); !c.Throttled || c.Counters.BadStarts != 1 {
		t.Errorf("%+v", c)
	}
}

// TestChannelsAreHandedOn to the next image, those of workers that are gone too,
// and taken over by it.
func TestChannelsAreHandedOn(t *testing.T) {
	w := newPostfix(t, postfixRules(5))
	w.record(101, 101, 1, 0)
	w.connect()
	w.turn()
	w.die(101, policy.End{})
	w.turn()
	w.loop.upgrade.tried(nil)
	w.turn()
	if len(w.handed) != 1 || len(w.channels) != 2 {
		t.Fatalf("handed on %v and %v", w.handed, w.channels)
	}
	r := left(t, 1, true)
	next := newWorldAfter(t, postfixRules(5), adoptChannels(t, r, w))
	next.peers = map[int]int{101: w.peers[102]}
	next.record(101, 101, 1, 1)
	if c := next.condition(); c.Idle != 1 || c.Counters.Requests != 1 || len(next.loop.channels.byFD) != 2 {
		t.Errorf("%+v, %d channels", c, len(next.loop.channels.byFD))
	}
}

// adoptChannels gives copies of a world's channels to what is restored, as an
// exec does.
func adoptChannels(t *testing.T, r *Restored, w *world) *Restored {
	t.Helper()
	for _, c := range w.channels {
		fd, err := unix.FcntlInt(uintptr(c.FD), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		if c.Generation == 2 {
			r.Workers[0].Channel = fd
			continue
		}
		r.Channels = append(r.Channels, Handed{c.Generation, fd})
	}
	return r
}
