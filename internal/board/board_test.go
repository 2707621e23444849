package board

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/worker"
)

func create(t testing.TB) *Board {
	t.Helper()
	b, err := Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// join takes a slot the way a worker does.
func join(t testing.TB, b *Board, slot int) *worker.Board {
	t.Helper()
	for name, fd := range map[string]int{worker.EnvBoardFD: b.FD(), worker.EnvWakeFD: b.WakeFD()} {
		t.Setenv(name, strconv.Itoa(dup(t, fd)))
	}
	t.Setenv(worker.EnvSlot, strconv.Itoa(slot))
	t.Setenv(worker.EnvGeneration, strconv.Itoa(slot+1))
	w, err := worker.JoinBoard()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Close() })
	return w
}

func dup(t testing.TB, fd int) int {
	t.Helper()
	n, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMain(m *testing.M) {
	if os.Getenv(playVariable) != "" {
		play()
	}
	testutil.Main(m)
}

func isWoken(b *Board) bool {
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(b.WakeFD()), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// TestLook: every change is found once.
func TestLook(t *testing.T) {
	b := create(t)
	slots := []int{0, 63, 64, Slots - 1}
	var workers []*worker.Board
	for _, slot := range slots {
		b.Prepare(slot)
		workers = append(workers, join(t, b, slot))
		if got := b.Owner(slot); got != uint64(slot+1) {
			t.Errorf("slot %d is owned by %d", slot, got)
		}
	}
	look := func(what string, freed, taken []int) {
		t.Helper()
		f, k := b.Look()
		if !slices.Equal(f, freed) || !slices.Equal(k, taken) {
			t.Errorf("%s: freed %v, taken %v; want %v, %v", what, f, k, freed, taken)
		}
	}
	look("all joined", slots, nil)
	look("nothing happened", nil, nil)
	workers[1].Take()
	look("one took a job", nil, []int{63})
	if b.Idle(63) || !b.Idle(0) || b.Turns(63) != 1 || isWoken(b) {
		t.Errorf("idle %t %t, turns %d, woken %t", b.Idle(63), b.Idle(0), b.Turns(63), isWoken(b))
	}
	workers[1].Free()
	workers[0].Take()
	look("one frees, one takes", []int{63}, []int{0})
	for _, w := range workers[1:] {
		w.Take()
	}
	if !isWoken(b) {
		t.Error("the last one took a job and did not wake availd")
	}
	b.ClearWake()
	look("all are busy", nil, slots[1:])
	if b.AnyIdle() || isWoken(b) {
		t.Errorf("any idle %t, woken %t", b.AnyIdle(), isWoken(b))
	}
}

// TestStrayBits: bits that do not count are taken away, so that others wake availd.
func TestStrayBits(t *testing.T) {
	b := create(t)
	b.Prepare(0)
	b.Prepare(70)
	here, gone := join(t, b, 0), join(t, b, 70)
	b.Look()
	b.Forget(70)
	here.Take()
	if isWoken(b) {
		t.Fatal("woken although the other one's bit is there")
	}
	if _, taken := b.Look(); !slices.Equal(taken, []int{0}) || b.AnyIdle() {
		t.Errorf("taken %v, any idle %t", taken, b.AnyIdle())
	}
	here.Free()
	here.Take()
	if !isWoken(b) {
		t.Error("the bit of a slot that does not count keeps others from waking availd")
	}
	gone.Free()
	b.Prepare(70)
	if freed, _ := b.Look(); len(freed) != 0 || b.Owner(70) != 0 || b.Turns(70) != 0 {
		t.Errorf("a new slot is not empty: %v, owner %d, turns %d", freed, b.Owner(70), b.Turns(70))
	}
}

// TestDip: how low the number of idle workers was between two looks.
func TestDip(t *testing.T) {
	b := create(t)
	var workers []*worker.Board
	for slot := range 5 {
		b.Prepare(slot)
		workers = append(workers, join(t, b, slot))
	}
	b.Look()
	for _, n := range []int{0, 3, 1, 5} {
		for _, w := range workers[:n] {
			w.Take()
		}
		for _, w := range workers[:n] {
			w.Free()
		}
		if b.Look(); b.Dip() != n {
			t.Errorf("dip %d, want %d", b.Dip(), n)
		}
	}
}

// TestWakeOnChange: the first change after WakeOnChange wakes, and only that.
func TestWakeOnChange(t *testing.T) {
	b := create(t)
	b.Prepare(0)
	b.Prepare(1)
	w, _ := join(t, b, 0), join(t, b, 1)
	for _, change := range []func(){w.Take, w.Free} {
		b.WakeOnChange(true)
		change()
		if !isWoken(b) {
			t.Error("asked for, and not woken")
		}
		b.ClearWake()
	}
	w.Take()
	w.Free()
	b.WakeOnChange(true)
	b.WakeOnChange(false)
	w.Take()
	if isWoken(b) {
		t.Error("woken without being asked to")
	}
}

// TestSealed: a worker cannot change the size, which would be a SIGBUS for all.
func TestSealed(t *testing.T) {
	b := create(t)
	for _, size := range []int64{0, worker.BoardSize - 1, worker.BoardSize + 1} {
		if err := unix.Ftruncate(b.FD(), size); !errors.Is(err, unix.EPERM) {
			t.Errorf("truncated to %d: %v", size, err)
		}
	}
	if _, err := unix.FcntlInt(uintptr(b.FD()), unix.F_ADD_SEALS, unix.F_SEAL_WRITE); !errors.Is(err, unix.EPERM) {
		t.Errorf("sealed for good against writing: %v", err)
	}
}

func TestAdopt(t *testing.T) {
	b := create(t)
	b.Prepare(7)
	w := join(t, b, 7)
	again, err := Adopt(dup(t, b.FD()), dup(t, b.WakeFD()))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	again.Count(7)
	if freed, _ := again.Look(); !slices.Equal(freed, []int{7}) {
		t.Errorf("idle %v, want 7", freed)
	}
	w.Take()
	if !isWoken(again) {
		t.Error("the adopted eventfd does not wake")
	}
}

// TestAdoptRefuses what is not a board: it is another's, or a worker has spoilt
// its head. Both descriptors are closed then.
func TestAdoptRefuses(t *testing.T) {
	spoilt := create(t)
	spoilt.memory[3]++
	plain, err := unix.MemfdCreate("plain", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err == nil {
		err = unix.Ftruncate(plain, worker.BoardSize)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(plain) }()
	for name, fd := range map[string]int{"spoilt": spoilt.FD(), "not sealed": plain} {
		own, wake := dup(t, fd), dup(t, spoilt.WakeFD())
		if _, err := Adopt(own, wake); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v", name, err)
		}
		for _, closed := range []int{own, wake} {
			if _, err := unix.FcntlInt(uintptr(closed), unix.F_GETFD, 0); !errors.Is(err, unix.EBADF) {
				t.Errorf("%s: descriptor %d is still open", name, closed)
			}
		}
	}
}

// TestNoAllocations: neither side allocates, however many jobs there are.
func TestNoAllocations(t *testing.T) {
	b := create(t)
	b.Prepare(0)
	w := join(t, b, 0)
	if n := testing.AllocsPerRun(1000, func() {
		w.Take()
		b.ClearWake()
		b.Look()
		w.Free()
		b.Look()
	}); n != 0 {
		t.Errorf("%v allocations for a job and two looks", n)
	}
}

func BenchmarkTakeFree(b *testing.B) {
	board := create(b)
	board.Prepare(0)
	board.Prepare(1)
	w, _ := join(b, board, 0), join(b, board, 1)
	for b.Loop() {
		w.Take()
		w.Free()
	}
}

func BenchmarkLook(b *testing.B) {
	board := create(b)
	board.Prepare(0)
	w := join(b, board, 0)
	for b.Loop() {
		w.Take()
		board.Look()
		w.Free()
		board.Look()
	}
}

// TestBlockingWake: a worker that makes the shared eventfd blocking holds up nobody.
func TestBlockingWake(t *testing.T) {
	b := create(t)
	if err := unix.SetNonblock(b.WakeFD(), false); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.ClearWake()
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		_, _ = unix.Write(b.WakeFD(), []byte{1, 0, 0, 0, 0, 0, 0, 0}) // so that the test can end
		<-done
		t.Error("taking wake events back hangs when there are none")
	}
}
