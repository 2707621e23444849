package loop

import (
	"encoding/binary"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/worker"
)

// newPreloadWorld is one whose workers report by the shared object alone.
func newPreloadWorld(t *testing.T) *world {
	t.Helper()
	cfg := daemonRules(4)
	cfg.QueueDelay, cfg.ProvenAfter, cfg.ProvenByReport, cfg.StartTimeout = 20*time.Millisecond, time.Second, true, 30*time.Second
	w := newBoardWorld(t, cfg)
	w.loop.cfg.StartTimeout = cfg.StartTimeout
	w.loop.board.preload = true
	return w
}

// object plays the shared object in the youngest worker.
func (w *world) object() (pid int, b *worker.Board) {
	w.t.Helper()
	pid = 100 + int(w.starts[len(w.starts)-1])
	b = join(w.t, w.loop.board.board, pid-100)
	w.wakeByBoard()
	return pid, b
}

// wakeByBoard is the wake event of a worker.
func (w *world) wakeByBoard() {
	w.t.Helper()
	_, _ = unix.Write(w.loop.board.board.WakeFD(), []byte{1, 0, 0, 0, 0, 0, 0, 0})
	w.turn()
}

// complaints is how often it was said that the object is silent.
func (w *world) complaints() (n int) {
	for _, m := range []*event.Message{event.PreloadNotLoaded, event.PreloadNeverWaits, event.PreloadClients, event.PreloadThreads, event.PreloadClosed} {
		n += w.said(m)
	}
	return n
}

// TestPreloadJoins: the wake event alone tells that a worker has joined, and ends the
// inference.
func TestPreloadJoins(t *testing.T) {
	w := newPreloadWorld(t)
	w.connect()
	w.turn()
	if !w.loop.policy.Infers() {
		t.Fatal("nobody has reported, and nothing is inferred")
	}
	_, b := w.object()
	if w.loop.policy.Infers() {
		t.Fatal("a worker is on the board, and availability is inferred")
	}
	w.accept()
	b.Take()
	w.turn()
	w.expect(1, 0, 0)
	if !w.isListening() {
		t.Error("the only worker is busy, and nobody watches the socket")
	}
	b.Free()
	w.expect(0, 1, 1)
}

// TestPreloadGivenUp: a note of the object ends it for all, once, and a reload tries again.
func TestPreloadGivenUp(t *testing.T) {
	w := newPreloadWorld(t)
	w.connect()
	w.turn()
	pid, b := w.object()
	w.accept()
	b.Take()
	w.turn()
	w.note(pid, board.SeveralClients)
	w.wakeByBoard() // which nobody hears while all are busy
	w.after(2 * countPeriod)
	if !w.loop.policy.Infers() || w.loop.board.n != 0 || w.complaints() != 1 {
		t.Fatalf("inferred %t, %d on the board, said %d times", w.loop.policy.Infers(), w.loop.board.n, w.complaints())
	}
	if c := w.condition(); c.Busy != 0 || c.Total != 1 {
		t.Errorf("%d of %d are busy for ever", c.Busy, c.Total)
	}
	if given := w.loop.board.given(7); given != -1 {
		t.Errorf("the next worker gets slot %d", given)
	}
	w.after(time.Minute)
	if w.complaints() != 1 {
		t.Errorf("it is said %d times", w.complaints())
	}
	w.loop.board.tryPreload()
	if given := w.loop.board.given(7); given != 7 {
		t.Errorf("after a reload the next worker gets slot %d", given)
	}
}

// TestPreloadNotLoaded: a worker without a word of the object has its start timeout, and is
// not ended for it.
func TestPreloadNotLoaded(t *testing.T) {
	w := newPreloadWorld(t)
	w.connect()
	w.turn()
	w.accept()
	w.after(29 * time.Second)
	if w.complaints() != 0 {
		t.Fatal(w.logged.String())
	}
	w.after(2 * time.Second)
	if w.complaints() != 1 || len(w.signals) > 0 || w.said(event.PreloadNotLoaded) != 1 {
		t.Errorf("signals %v\n%s", w.signals, w.logged.String())
	}
}

// TestPreloadHung: where others have joined, a worker into which the object was loaded and
// that does not come so far is aborted like any other.
func TestPreloadHung(t *testing.T) {
	w := newPreloadWorld(t)
	w.connect()
	w.turn()
	_, b := w.object()
	w.accept()
	b.Take()
	w.turn()
	w.connect()
	w.turn()
	w.note(100+int(w.starts[1]), board.Loaded)
	w.after(31 * time.Second)
	if w.complaints() != 0 || len(w.signals) == 0 {
		t.Errorf("signals %v\n%s", w.signals, w.logged.String())
	}
}

// TestPreloadLastRequest: a worker that exits well with a client in hand has served it.
func TestPreloadLastRequest(t *testing.T) {
	for _, c := range []struct {
		end  policy.End
		want uint64
	}{{policy.End{}, 2}, {policy.End{Code: 1}, 1}, {policy.End{Signal: 11}, 1}} {
		w := newPreloadWorld(t)
		w.connect()
		w.turn()
		pid, b := w.object()
		w.accept()
		b.Take()
		b.Free()
		b.Take()
		w.die(pid, c.end)
		w.turn()
		if got := w.condition().Counters.Requests; got != c.want {
			t.Errorf("%v: %d requests, want %d", c.end, got, c.want)
		}
	}
}

// note is what the object writes beside the place of a worker.
func (w *world) note(pid int, n board.Note) {
	w.t.Helper()
	memory, err := unix.Mmap(w.loop.board.board.FD(), 0, worker.BoardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		w.t.Fatal(err)
	}
	binary.NativeEndian.PutUint64(memory[worker.BoardLines+(pid-100)*worker.BoardLine+worker.BoardNote:], uint64(n))
	_ = unix.Munmap(memory)
}
