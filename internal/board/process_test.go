package board

import (
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"
)

// The test binary plays workers: with this variable it takes its place on the
// board and does a round of jobs for each byte that it reads.
const playVariable = "BOARD_TEST_PLAY"

// patience is how long a test waits for an event that must come.
const patience = time.Minute

// play frees the worker and says so, does some jobs as fast as it can, and ends
// the round with a job that is not finished before the next one begins.
func play() {
	b, err := worker.JoinBoard()
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	b.Take()
	for order := make([]byte, 1); ; {
		if n, _ := syscall.Read(0, order); n == 0 {
			os.Exit(0)
		}
		b.Free()
		_, _ = syscall.Write(1, order)
		for range rand.IntN(30) {
			b.Take()
			b.Free()
		}
		if order[0] == dies {
			_ = unix.Kill(os.Getpid(), unix.SIGKILL) // its bit is set
		}
		b.Take()
	}
}

// The orders.
const (
	works = '.'
	dies  = '+'
)

// player is one of them; orders is the end of a pipe to write to.
type player struct{ slot, pid, orders int }

// start starts one that says into begun that it has begun a round.
func start(t *testing.T, b *Board, slot, begun int) player {
	t.Helper()
	orders, own := pipe(t)
	defer unix.Close(orders)
	b.Prepare(slot)
	// os/exec would make the eventfd blocking, for everybody.
	pid, err := syscall.ForkExec("/proc/self/exe", []string{"player"}, &syscall.ProcAttr{
		Files: []uintptr{uintptr(orders), uintptr(begun), 2, uintptr(b.FD()), uintptr(b.WakeFD())},
		Env: append(os.Environ(), playVariable+"=1", "GORACE=atexit_sleep_ms=0", worker.EnvBoardFD+"=3",
			worker.EnvWakeFD+"=4", worker.EnvSlot+"="+strconv.Itoa(slot), worker.EnvGeneration+"=1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return player{slot, pid, own}
}

func pipe(t *testing.T) (read, write int) {
	t.Helper()
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	return ends[0], ends[1]
}

// order begins a round.
func (p player) order(t *testing.T, what byte) {
	t.Helper()
	if _, err := unix.Write(p.orders, []byte{what}); err != nil {
		t.Fatal(err)
	}
}

// collect waits for its end.
func (p player) collect(t *testing.T, b *Board) {
	t.Helper()
	_ = unix.Close(p.orders)
	if _, err := unix.Wait4(p.pid, nil, 0, nil); err != nil {
		t.Fatal(err)
	}
	b.Forget(p.slot)
}

// await waits until there is something to read.
func await(fd int) bool {
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(patience.Milliseconds()))
		if err != unix.EINTR {
			return n > 0
		}
	}
}

// TestProcesses: whatever five processes on two words do at the same time, the
// last one that takes a job wakes availd, also when others die. Who waits here does so
// for nothing else.
func TestProcesses(t *testing.T) {
	b := create(t)
	begun, say := pipe(t)
	defer unix.Close(begun)
	var players []player
	for _, slot := range []int{0, 1, 63, 64, 65} {
		players = append(players, start(t, b, slot, say))
	}
	_ = unix.Close(say)
	for round := range 400 {
		last := byte(works)
		if round%100 == 99 {
			last = dies
		}
		players[0].order(t, last)
		for _, p := range players[1:] {
			p.order(t, works)
		}
		for range players {
			if n, err := unix.Read(begun, make([]byte, 1)); n != 1 {
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if last == dies {
			players[0].collect(t, b)
			players = players[1:]
		}
		for b.Look(); b.AnyIdle(); b.Look() {
			if !await(b.WakeFD()) {
				t.Fatalf("round %d: no wake event, although all took a job in the end", round)
			}
			b.ClearWake()
		}
	}
	for _, p := range players {
		p.collect(t, b)
	}
}
