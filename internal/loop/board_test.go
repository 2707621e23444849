package loop

import (
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/worker"
)

// newBoardWorld is a world with a board. A worker's slot is its generation.
func newBoardWorld(t testing.TB, cfg policy.Config) *world {
	t.Helper()
	b, err := board.Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return newWorldOn(t, cfg, nil, b)
}

// join makes a worker one that uses the board, and says READY=1.
func (w *world) join(pid int) *worker.Board {
	w.t.Helper()
	b := join(w.t, w.loop.board.board, pid-100)
	w.report(report.Message{PID: pid, Ready: true, Jobs: -1, Done: -1})
	w.turn()
	return b
}

// join takes a slot the way a worker does, which closes its descriptors.
func join(t testing.TB, on *board.Board, slot int) *worker.Board {
	t.Helper()
	for name, fd := range map[string]int{worker.EnvBoardFD: on.FD(), worker.EnvWakeFD: on.WakeFD()} {
		t.Setenv(name, strconv.Itoa(dup(t, fd)))
	}
	t.Setenv(worker.EnvSlot, strconv.Itoa(slot))
	t.Setenv(worker.EnvGeneration, strconv.Itoa(slot))
	b, err := worker.JoinBoard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// started lets a connection bring about the start of a worker that joins, and
// accepts that connection for it.
func (w *world) started() (int, *worker.Board) {
	w.t.Helper()
	n := len(w.starts)
	w.connect()
	w.turn()
	if len(w.starts) != n+1 {
		w.t.Fatalf("%d starts, want one more than %d", len(w.starts), n)
	}
	pid := 100 + int(w.starts[n])
	b := w.join(pid)
	w.accept()
	b.Take()
	w.turn()
	return pid, b
}

func (w *world) isListening() bool { return w.loop.sockets.watch == policy.WatchOn }

func (w *world) expect(busy, idle int, requests uint64) {
	w.t.Helper()
	w.loop.board.recount()
	if c := w.condition(); c.Busy != busy || c.Idle != idle || c.Counters.Requests != requests {
		w.t.Errorf("busy %d, idle %d, requests %d; want %d, %d, %d", c.Busy, c.Idle, c.Counters.Requests, busy, idle, requests)
	}
}

// TestLastOneTaken: the pool grows although nobody sends a report, and a worker
// that is idle again stops that when a connection comes.
func TestLastOneTaken(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	if !w.isListening() {
		t.Fatal("all are busy, and nobody watches the socket")
	}
	first.Free()
	w.turn()
	if !w.isListening() {
		t.Error("an idle worker told of itself, which costs a wake-up per request")
	}
	w.connect() // the loop may be faster than the worker
	w.turn()
	if len(w.starts) != 1 || w.isListening() {
		t.Errorf("%d starts although a worker is idle, listening %t", len(w.starts), w.isListening())
	}
	w.accept()
	first.Take()
	w.turn()
	if !w.isListening() {
		t.Error("the last idle worker is gone once more, and nobody watches the socket")
	}
	w.expect(1, 0, 1)
}

// TestWorkerIsFaster: a connection that the idle worker took before the loop
// looked is no reason for another worker.
func TestWorkerIsFaster(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	first.Free()
	w.connect() // makes the socket readable for the loop …
	found, err := w.loop.epoll.look()
	if err != nil || len(found) == 0 {
		t.Fatalf("%v, %v", found, err)
	}
	w.accept() // … but it is gone
	first.Take()
	w.loop.ready.sort(found)
	w.loop.board.read(w.loop.ready.board)
	w.loop.connections()
	if len(w.starts) != 1 {
		t.Error("a worker was started for a connection that does not wait")
	}
}

// TestJobsBetweenLooks are counted, also those of a worker that is found busy
// where it was found idle before.
func TestJobsBetweenLooks(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	first.Free()
	w.expect(0, 1, 1)
	for range 3 {
		first.Take()
		first.Free()
	}
	first.Take()
	w.expect(1, 0, 4)
	first.Free()
	first.Take()
	w.expect(1, 0, 5)
	first.Free()
	w.expect(0, 1, 6)
}

// TestAskedOnTheBoard: who asks for the state gets what is on the board now.
func TestAskedOnTheBoard(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	first.Free()
	reply := make(chan status.Service, 1)
	w.loop.serve(request{status: reply})
	if s := <-reply; s.Idle != 1 || *s.Counters.Requests != 1 {
		t.Errorf("idle %d, %d requests, want 1 of each", s.Idle, *s.Counters.Requests)
	}
}

// TestBitBeforeReady: a bit is believed of a worker that has said it is ready.
func TestBitBeforeReady(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	w.connect()
	w.turn()
	join(t, w.loop.board.board, 1)
	w.loop.board.scan()
	if c := w.condition(); c.Starting != 1 {
		t.Errorf("%+v", c)
	}
}

// TestFullPool: that the last worker at the limit is taken is told by the
// eventfd, and warned about once.
func TestFullPool(t *testing.T) {
	w := newBoardWorld(t, daemonRules(2))
	_, first := w.started()
	first.Free()
	w.turn()
	w.loop.board.recount()
	first.Take()
	w.turn()
	_, second := w.started()
	if c := w.condition(); !c.Full || w.said(event.Full) != 1 {
		t.Errorf("full %t, logged:\n%s", c.Full, w.logged.String())
	}
	second.Free()
	w.after(countPeriod)
	if w.condition().Full {
		t.Error("a worker is idle, and the pool is still full a period later")
	}
	second.Take()
	w.turn()
	if !w.condition().Full {
		t.Error("the pool is full again, and the loop does not know")
	}
}

// TestDeadWorkersBit: with its bit left behind nobody would wake availd again.
func TestDeadWorkersBit(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	pid, first := w.started()
	_, second := w.started()
	first.Free()
	second.Free()
	w.loop.board.recount()
	w.die(pid, policy.End{})
	w.turn()
	second.Take()
	w.turn()
	if !w.isListening() {
		t.Error("the last living worker is busy, and nobody watches the socket")
	}
	w.expect(1, 0, 2)
}

// TestMixedPool: workers that use the board and those that send datagrams are
// one pool; neither counts for the other's.
func TestMixedPool(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	w.connect()
	w.turn()
	w.report(report.Message{PID: 102, Ready: true, Jobs: -1, Done: -1})
	w.turn()
	w.accept()
	w.says(102, report.Busy)
	if !w.isListening() {
		t.Fatal("both are busy, and nobody watches the socket")
	}
	w.says(102, report.Idle)
	first.Free()
	first.Take()
	w.turn()
	if w.isListening() {
		t.Error("the worker of the datagrams is idle, and the socket is watched")
	}
	w.says(102, report.Busy)
	if !w.isListening() {
		t.Error("all are busy again, and nobody watches the socket")
	}
	w.expect(2, 0, 2)
}

// TestDatagramsOfABoardWorker say nothing about its work, which is on the board.
func TestDatagramsOfABoardWorker(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	pid, _ := w.started()
	w.report(report.Message{PID: pid, Avail: report.Idle, Jobs: -1, Done: 7, Status: "here", HasStatus: true})
	w.turn()
	w.expect(1, 0, 0)
	if got := w.loop.procs[pid].text; got != "here" {
		t.Errorf("its STATUS= is %q", got)
	}
}

// TestRetiredWorkersBit: who was asked to retire is not available, so its bit must
// not keep others from waking availd.
func TestRetiredWorkersBit(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	pid, first := w.started()
	_, second := w.started()
	first.Free()
	second.Free()
	w.loop.board.recount()
	w.report(report.Message{PID: pid, Stopping: true, Jobs: -1, Done: -1})
	w.turn()
	second.Take()
	w.turn()
	if !w.isListening() {
		t.Error("the only available worker is busy, and nobody watches the socket")
	}
}

// TestRetiredTookOneMore: one that is told to retire while it takes a job is busy, as
// its turns say, and gets the patience for that.
func TestRetiredTookOneMore(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	pid, first := w.started()
	first.Free()
	w.loop.board.recount()
	w.after(2 * time.Second)
	w.loop.Signal(unix.SIGHUP)
	w.turn()
	w.expectSignals(strconv.Itoa(pid), "TERM")
	first.Take()
	w.after(31 * time.Second)
	w.expectSignals(strconv.Itoa(pid))
	first.Free()
	w.after(countPeriod)
	w.after(31 * time.Second)
	w.expectSignals(strconv.Itoa(pid), "KILL")
}

// TestMostSlots: a worker that the board has no room for does without.
func TestMostSlots(t *testing.T) {
	s := newBoardWorld(t, daemonRules(0)).loop.board
	if !s.fits(0) || !s.fits(board.Slots-1) || s.fits(board.Slots) || s.fits(-1) {
		t.Error("the board has another size")
	}
}

// TestQuietPoolSleeps: after a period without a change the loop has no deadline
// of its own, and the next request wakes it.
func TestQuietPoolSleeps(t *testing.T) {
	rules := daemonRules(2)
	rules.IdleTimeout, rules.StallGuard = 0, 0
	w := newBoardWorld(t, rules)
	_, first := w.started()
	_, second := w.started()
	first.Free()
	second.Free()
	for range 10 {
		w.after(linePeriod)
	}
	if due := w.loop.board.due; due != 0 || !w.loop.board.onChange {
		t.Fatalf("due %v, wakes on change %t after a minute without requests", due, w.loop.board.onChange)
	}
	first.Take() // not the last one
	if !w.ready() {
		t.Fatal("nobody hears of the first request after a rest")
	}
	w.turn()
	first.Free()
	if w.ready() {
		t.Error("further requests wake the loop")
	}
	w.after(countPeriod)
	w.expect(0, 2, 3)
}

// TestBusyTimeoutIsOfOneJob: a worker that has done many jobs since it was last
// looked at is not taken for one that hangs.
func TestBusyTimeoutIsOfOneJob(t *testing.T) {
	rules := daemonRules(5)
	rules.BusyTimeout = 10 * time.Second
	w := newBoardWorld(t, rules)
	_, first := w.started()
	w.after(9 * time.Second)
	first.Free()
	first.Take()
	w.after(5 * time.Second)
	if len(w.signals) != 0 {
		t.Fatalf("signalled %v within its second job", w.signals)
	}
	w.after(10 * time.Second)
	if len(w.signals) == 0 {
		t.Error("a job of twice the timeout is not noticed")
	}
}

// TestServedItsShare: it is retired at a count, although it is busy at every
// look.
func TestServedItsShare(t *testing.T) {
	rules := daemonRules(5)
	rules.MaxRequests = 10
	w := newBoardWorld(t, rules)
	_, first := w.started()
	for range 20 {
		first.Free()
		first.Take()
	}
	w.after(countPeriod)
	if len(w.signals) != 1 {
		t.Errorf("signals %v, want the retire signal", w.signals)
	}
}

// TestServedItsShareSoon: once it is known how fast workers are, one is not left to serve for a
// second beyond its share.
func TestServedItsShareSoon(t *testing.T) {
	rules := daemonRules(5)
	rules.MaxRequests = 50
	w := newBoardWorld(t, rules)
	served := func() (n int) {
		pid, slot := w.started()
		for signals := len(w.signals); len(w.signals) == signals && n < 200; n++ {
			slot.Free()
			slot.Take()
			w.after(10 * time.Millisecond)
		}
		w.die(pid, policy.End{})
		return n
	}
	if n := served(); n == 200 {
		t.Fatal("the first is not retired")
	}
	for range 3 {
		if n := served(); n < 45 || n > 60 {
			t.Errorf("one was retired after %d requests, want 50 plus or minus 10 %%", n)
		}
	}
}

// TestShortPeakCounts: a worker that was needed for a moment between two looks is
// not superfluous.
func TestShortPeakCounts(t *testing.T) {
	rules := daemonRules(5)
	rules.IdleTimeout = 10 * time.Second
	w := newBoardWorld(t, rules)
	_, first := w.started()
	_, second := w.started()
	first.Free()
	second.Free()
	w.after(countPeriod)
	for range 5 {
		first.Take()
		second.Take()
		first.Free()
		second.Free()
		w.after(3 * time.Second)
	}
	if len(w.signals) != 0 {
		t.Errorf("signals %v: the load needs both", w.signals)
	}
	w.after(rules.IdleTimeout)
	w.after(rules.IdleTimeout)
	if len(w.signals) == 0 {
		t.Error("without load nobody is retired")
	}
}

// TestAdoptedFromTheBoard: what workers did while no availd lived is on the
// board, whatever was written down of them.
func TestAdoptedFromTheBoard(t *testing.T) {
	b, err := board.Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	for slot := 1; slot <= 3; slot++ {
		b.Prepare(slot)
	}
	first, second := join(t, b, 1), join(t, b, 2)
	first.Take()
	for range 7 { // five of which the earlier process knew
		second.Take()
		second.Free()
	}
	again, err := board.Adopt(dup(t, b.FD()), dup(t, b.WakeFD()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(again.Close)
	r := left(t, 3, false) // the third one is on no board, and busy
	r.Workers[0].Entry.Finished = 0
	w := newWorldOn(t, daemonRules(5), r, again)
	w.expect(2, 1, 2)
	second.Take()
	w.turn()
	if !w.isListening() {
		t.Error("all three are busy, and nobody watches the socket")
	}
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRubbishOnTheBoard: whatever a worker writes, the loop neither fails nor
// spins, and the others are served.
func TestRubbishOnTheBoard(t *testing.T) {
	w := newBoardWorld(t, daemonRules(5))
	_, first := w.started()
	w.started()
	first.Free()
	memory, err := unix.Mmap(w.loop.board.board.FD(), 0, worker.BoardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(memory) }()
	for _, filling := range []byte{0xff, 0xa5, 0x00} {
		for i := range memory {
			memory[i] = filling
		}
		full := [8]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		for range 200 {
			_, _ = unix.Write(w.loop.board.board.WakeFD(), full[:])
			w.turn()
		}
		w.after(5 * time.Second)
		w.loop.shown.snapshot()
	}
	if !w.isListening() {
		t.Error("all bits are 0, and nobody watches the socket")
	}
	w.connect()
	w.turn()
	if len(w.starts) != 3 {
		t.Errorf("%d starts, want another one", len(w.starts))
	}
}

// TestBoardTurnsAllocateNothing: everybody is busy, and a look at all they did.
func TestBoardTurnsAllocateNothing(t *testing.T) {
	w := newBoardWorld(t, daemonRules(3))
	_, first := w.started()
	_, second := w.started()
	first.Free()
	second.Free()
	w.turn()
	w.loop.seams.Keep.Mark = func(int, policy.Entry, bool) {} // this world's allocate
	w.loop.seams.Depth = func(int) sockdiag.Depth { return sockdiag.Depth{} }
	if n := testing.AllocsPerRun(1000, func() {
		w.now += 2 * wakePace
		w.loop.board.recount()
		w.loop.board.arm() // the next wake event is seen
		first.Take()
		second.Take()
		if err := w.loop.turn(); err != nil {
			t.Fatal(err)
		}
		first.Free()
		second.Free()
	}); n != 0 {
		t.Errorf("%v allocations for a turn", n)
	}
	if !w.isListening() {
		t.Error("all are busy, and nobody watches the socket")
	}
}

func BenchmarkBoardTurn(b *testing.B) {
	w := newBoardWorld(b, daemonRules(3))
	_, first := w.started()
	_, second := w.started()
	w.loop.seams.Keep.Mark = func(int, policy.Entry, bool) {}
	for b.Loop() {
		w.now += 2 * wakePace
		first.Free()
		second.Free()
		w.loop.board.recount()
		w.loop.board.arm()
		first.Take()
		second.Take()
		if err := w.loop.turn(); err != nil {
			b.Fatal(err)
		}
	}
}
