package worker

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// offer puts an empty board into the environment, and returns its memory.
func offer(t *testing.T, slot int) []byte {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "board")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(BoardSize); err != nil {
		t.Fatal(err)
	}
	memory, err := syscall.Mmap(int(file.Fd()), 0, BoardSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Munmap(memory) })
	*word(memory, 0) = BoardMagic
	*(*uint32)(unsafe.Pointer(&memory[8])) = BoardVersion
	board, err := syscall.Dup(int(file.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_NONBLOCK|syscall.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(pipe[0]) })
	t.Setenv(EnvBoardFD, strconv.Itoa(board))
	t.Setenv(EnvWakeFD, strconv.Itoa(pipe[1]))
	t.Setenv(EnvSlot, strconv.Itoa(slot))
	t.Setenv(EnvGeneration, "7")
	return memory
}

func word(memory []byte, at int) *uint64 { return (*uint64)(unsafe.Pointer(&memory[at])) }

// TestBoard: what is written where, in the words of availd-worker(7).
func TestBoard(t *testing.T) {
	memory := offer(t, 70)
	*word(memory, 640+8) = 64
	b, err := JoinBoard()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	line := 4096 + 70*64
	check := func(what string, idle, turns, low uint64) {
		t.Helper()
		if *word(memory, 128+8) != idle || *word(memory, line+8) != turns || *word(memory, 640+8) != low || *word(memory, line) != 7 {
			t.Errorf("%s: idle %#x, turns %d, low %d, owner %d", what,
				*word(memory, 128+8), *word(memory, line+8), *word(memory, 640+8), *word(memory, line))
		}
	}
	check("joined", 1<<6, 0, 64)
	b.Take()
	check("taken", 0, 1, 0)
	b.Free()
	check("free", 1<<6, 2, 0)
	if _, left := os.LookupEnv(EnvBoardFD); left {
		t.Error("the offer is still in the environment, for programs that this one starts")
	}
	if _, err := JoinBoard(); !errors.Is(err, ErrNoBoard) {
		t.Errorf("joined twice: %v", err)
	}
}

// TestBoardRefused: with an offer that cannot be used nothing changes.
func TestBoardRefused(t *testing.T) {
	for name, spoil := range map[string]func([]byte){
		"another version":    func(m []byte) { m[8]++ },
		"another magic":      func(m []byte) { m[0]++ },
		"no slot":            func([]byte) { t.Setenv(EnvSlot, "") },
		"a slot too far":     func([]byte) { t.Setenv(EnvSlot, strconv.Itoa(BoardSlots)) },
		"not a descriptor":   func([]byte) { t.Setenv(EnvBoardFD, "1048576") },
		"a file that is not": func([]byte) { t.Setenv(EnvBoardFD, "0") },
	} {
		memory := offer(t, 3)
		var fds []int
		for _, v := range []string{EnvBoardFD, EnvWakeFD} {
			fd, _ := strconv.Atoi(os.Getenv(v))
			fds = append(fds, fd)
		}
		spoil(memory)
		if b, err := JoinBoard(); err == nil {
			b.Close()
			t.Errorf("%s: joined", name)
		}
		if *word(memory, BoardIdle) != 0 || os.Getenv(EnvWakeFD) == "" {
			t.Errorf("%s: something has changed", name)
		}
		for _, fd := range fds {
			if err := syscall.Close(fd); err != nil {
				t.Errorf("%s: descriptor %d: %v", name, fd, err)
			}
		}
	}
}

func init() {
	roles["board"] = func() error {
		os.Setenv("LISTEN_FDS", "1") // of the three descriptors
		return Serve(context.Background(), echo)
	}
}

// TestServeOnTheBoard: a worker that is offered a board sends nothing for a
// connection, and shows the same there.
func TestServeOnTheBoard(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	memory := offer(t, 3)
	board, wake := descriptor(t, EnvBoardFD), descriptor(t, EnvWakeFD)
	t.Setenv(EnvBoardFD, "4")
	t.Setenv(EnvWakeFD, "5")
	p := s.start("board", s.Socket, board, wake)
	s.Expect("READY=1")
	turns := word(memory, BoardLines+3*BoardLine+BoardTurns)
	for n := range uint64(3) {
		c := s.Dial()
		greeting(t, c)
		if idle, did := atomic.LoadUint64(word(memory, BoardIdle)), atomic.LoadUint64(turns); idle != 0 || did != 2*n+1 {
			t.Errorf("idle bits %#x and %d turns in job %d", idle, did, n)
		}
		c.(*net.TCPConn).CloseWrite()
		_, _ = io.Copy(io.Discard, c)
		c.Close()
	}
	c := s.Dial()
	greeting(t, c)
	s.Signal(p, syscall.SIGTERM)
	s.Expect("STOPPING=1")
	c.Close()
	s.Exited(p)
	if *turns != 8 || *word(memory, BoardIdle) != 0 {
		t.Errorf("%d turns after 4 jobs, idle bits %#x of one that was to leave", *turns, *word(memory, BoardIdle))
	}
}

// TestWaited: how long clients have waited, by the words of availd-worker(7).
func TestWaited(t *testing.T) {
	memory := offer(t, 70)
	b, err := JoinBoard()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, d := range []time.Duration{0, time.Millisecond, 1001 * time.Microsecond, time.Second, time.Minute, time.Hour} {
		b.Waited(d)
	}
	line := 4096 + 70*64
	// The second of 1 s is number 8, the minute number 11, the hour number 12.
	for at, is := range map[int]uint64{24: 1<<16 | 2, 32: 0, 40: 1 | 1<<48, 48: 1, 56: 3661_002_001} {
		if got := *word(memory, line+at); got != is {
			t.Errorf("at %d: %#x, want %#x", at, got, is)
		}
	}
	*word(memory, line+24) = 0xffff_0000_ffff
	if b.Waited(0); *word(memory, line+24) != 0xffff_0000_0000 {
		t.Errorf("a number that begins again changes the next: %#x", *word(memory, line+24))
	}
}

// TestServeWaits: a worker on the board says how long the kernel has had its clients wait.
func TestServeWaits(t *testing.T) {
	s := supervise(t, syscall.SOCK_NONBLOCK)
	memory := offer(t, 3)
	board, wake := descriptor(t, EnvBoardFD), descriptor(t, EnvWakeFD)
	t.Setenv(EnvBoardFD, "4")
	t.Setenv(EnvWakeFD, "5")
	before := time.Now()
	c := s.Dial()
	for after := time.Now(); time.Since(after) < 50*time.Millisecond; {
		_ = descriptorOpen(wake)
	}
	p := s.start("board", s.Socket, board, wake)
	greeting(t, c)
	most := time.Since(before)
	c.Close()
	s.Expect("READY=1")
	s.Signal(p, syscall.SIGTERM)
	s.Exited(p)
	const tick = 20 * time.Millisecond
	if is := time.Duration(*word(memory, BoardLines+3*BoardLine+BoardWaited)) * time.Microsecond; is < 50*time.Millisecond-tick || is > most+tick {
		t.Errorf("the client has waited for 50 ms to %v, and the worker says %v", most, is)
	}
}

func descriptorOpen(fd int) bool {
	_, _, errno := syscall.Syscall(syscall.SYS_FCNTL, uintptr(fd), syscall.F_GETFD, 0)
	return errno == 0
}

// descriptor is one of the offer, which the test closes.
func descriptor(t *testing.T, variable string) int {
	t.Helper()
	fd, err := strconv.Atoi(os.Getenv(variable))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return fd
}
