package loop

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/leak"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

func TestMain(m *testing.M) { leak.Main(m) }

// world is what a loop under test acts on: its descriptors are real, births
// and reports are not.
type world struct {
	t        testing.TB
	loop     *Loop
	now      policy.Instant
	wall     time.Time
	listener int // a real listening socket
	reports  int // an eventfd in the report socket's place
	read     [8]byte
	queue    []report.Message
	births   []uint64
	stress   []bool
	fail     error
	held     map[int]Held // what a look finds, by pid
	looks    int
	deny     bool        // SIGSTOP is not permitted
	pids     map[int]int // pid -> the end of the eventfd that plays its pidfd
	ends     map[int]policy.End
	signals  []string
	lines    []string
	beats    int
	told     []string
	settings func() (Settings, error)
	logged   bytes.Buffer
	leftover bool
	slots    map[int]string // what is written down, by slot
	atBirth  []string       // the slot of each newborn at the moment of its birth
	stored   []string
	memory   policy.Memory
	tally    Tally
	trials   []func(error)
	handed   []Handed
	channels []Handed    // handed on
	postfix  bool        // newborns have a status channel
	peers    map[int]int // pid -> the worker's end of it
}

func newWorld(t testing.TB, cfg policy.Config) *world {
	t.Helper()
	return newWorldAfter(t, cfg, nil)
}

// newWorldAfter is one in which an earlier process has left something.
func newWorldAfter(t testing.TB, cfg policy.Config, r *Restored, change ...func(*Settings)) *world {
	t.Helper()
	return newWorldOn(t, cfg, r, nil, change...)
}

// newWorldOn is one whose workers are offered a board.
func newWorldOn(t testing.TB, cfg policy.Config, r *Restored, b *board.Board, change ...func(*Settings)) *world {
	t.Helper()
	w := &world{t: t, pids: map[int]int{}, peers: map[int]int{}, ends: map[int]policy.End{}, slots: map[int]string{}, now: time.Hour, wall: time.Date(2026, 3, 4, 1, 0, 0, 0, time.Local)}
	w.listener = listen(t)
	w.reports = eventfd(t)
	w.settings = func() (Settings, error) {
		s := Settings{Policy: cfg, RetireSignal: unix.SIGTERM}
		for _, f := range change {
			f(&s)
		}
		return s, nil
	}
	s, _ := w.settings()
	l, err := New(Config{
		Name: "test", Protocol: "notify", Version: "9", ReportFD: w.reports, Settings: s, Restored: r, Board: b,
		Sockets: []Socket{{FD: w.listener, Name: "test.socket", Address: "127.0.0.1:0"}},
	}, w.seams())
	if err != nil {
		t.Fatal(err)
	}
	w.loop = l
	for pid, p := range l.procs {
		w.pids[pid] = p.FD
	}
	t.Cleanup(func() {
		for _, p := range l.procs {
			_ = unix.Close(p.FD)
		}
		for fd := range l.channels {
			_ = unix.Close(fd)
		}
		l.close()
	})
	l.apply(l.policy.Start(w.now))
	return w
}

func listen(t testing.TB) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = unix.Listen(fd, 64)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

func eventfd(t testing.TB) int {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	return fd
}

// connect makes one connection that nobody accepts.
func (w *world) connect() {
	w.t.Helper()
	addr, err := unix.Getsockname(w.listener)
	if err != nil {
		w.t.Fatal(err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Connect(fd, addr)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = unix.Close(fd) })
}

// accept takes one connection, as a worker would.
func (w *world) accept() {
	w.t.Helper()
	fd, _, err := unix.Accept(w.listener)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = unix.Close(fd)
}

// turn runs the loop until nothing is ready, and fails if that takes a lot of
// turns: a loop that spins.
func (w *world) turn() {
	w.t.Helper()
	for range 40 {
		if !w.ready() {
			return
		}
		if err := w.loop.turn(); err != nil {
			w.t.Fatal(err)
		}
	}
	w.t.Fatal("the loop spins: after 40 turns something is still ready")
}

func (w *world) ready() bool {
	if w.loop.timeout() == 0 {
		return true
	}
	n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.loop.epoll.fd), Events: unix.POLLIN}}, 0)
	return err == nil && n > 0
}

// after lets time pass, up to and including everything that is due.
func (w *world) after(d time.Duration) {
	w.t.Helper()
	w.now += d
	w.wall = w.wall.Add(d)
	w.turn()
}

func (w *world) report(m report.Message) {
	w.queue = append(w.queue, m)
	_, _ = unix.Write(w.reports, one)
}

// one is what an eventfd is written; it escapes under the race detector.
var one = []byte{1, 0, 0, 0, 0, 0, 0, 0}

// says is a plain availability report of a worker.
func (w *world) says(pid int, a report.Availability) {
	w.report(report.Message{PID: pid, Avail: a, Jobs: -1, Done: -1})
	w.turn()
}

// die ends a worker; the next turn finds it.
func (w *world) die(pid int, e policy.End) {
	w.ends[pid] = e
	w.fall(pid)
}

// fall ends a worker whose way to die is not known yet.
func (w *world) fall(pid int) {
	_, _ = unix.Write(w.pids[pid], []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (w *world) condition() policy.Condition { return w.loop.policy.Condition(w.now) }

func (w *world) seams() Seams {
	return Seams{
		Now:     func() policy.Instant { return w.now },
		Wall:    func() time.Time { return w.wall },
		Start:   w.start,
		Signal:  w.signal,
		Look:    w.look,
		Wait:    func(p Process) (policy.End, bool, error) { e, ok := w.ends[p.PID]; return e, ok, nil },
		Receive: w.receive,
		Depth: func(fd int) Depth {
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				return Depth{Waiting: -1, Limit: -1, Readable: n > 0}
			}
			return Depth{Waiting: int(info.Unacked), Limit: int(info.Sacked), Readable: n > 0}
		},
		Ancestor:    func(pid int, _ func(int) bool) (int, bool) { return pid - 1000, true },
		Ready:       func(line string) { w.told = append(w.told, "READY "+line) },
		Status:      func(line string) { w.lines = append(w.lines, line) },
		Beat:        func() { w.beats++ },
		Stopping:    func(line string) { w.told = append(w.told, "STOPPING "+line) },
		Reloading:   func() { w.told = append(w.told, "RELOADING") },
		Flush:       func() bool { return w.leftover },
		Reconfigure: func() (Settings, error) { return w.settings() },
		Keep:        w.keeper(),
		Trial:       func(done func(error)) { w.trials = append(w.trials, done) },
		Execute:     func(h, c []Handed) error { w.handed, w.channels = h, c; return unix.ENOEXEC },
		Log:         slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelInfo})),
	}
}

func (w *world) keeper() Keeper {
	return Keeper{
		Intend: func(generation uint64, _ policy.Instant, _ bool) (int, error) {
			w.slots[int(generation)] = "intended"
			return int(generation), nil
		},
		Born:     func(slot int, p Process) { w.slots[slot] = fmt.Sprint("born ", p.PID) },
		Mark:     func(slot int, e policy.Entry, _ bool) { w.slots[slot] = fmt.Sprintf("%d state %d", e.ID, e.State) },
		Free:     func(slot int) { delete(w.slots, slot) },
		Remember: func(m policy.Memory, t Tally) { w.memory, w.tally = m, t },
		Store:    func(_ int, g uint64, _ Process) { w.stored = append(w.stored, fmt.Sprint("+", g)) },
		Unstore:  func(g uint64) { w.stored = append(w.stored, fmt.Sprint("-", g)) },
	}
}

func (w *world) start(generation uint64, stress bool, _ int, _ *Conn) (Process, error) {
	if w.fail != nil {
		return Process{}, w.fail
	}
	w.atBirth = append(w.atBirth, w.slots[int(generation)])
	w.births, w.stress = append(w.births, generation), append(w.stress, stress)
	pid := 100 + int(generation)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	w.pids[pid] = fd
	p := Process{PID: pid, FD: fd}
	if w.postfix {
		p.Channel = w.pair(pid)
	}
	return p, err
}

func (w *world) signal(p Process, sig unix.Signal, group bool) error {
	if w.deny && sig == unix.SIGSTOP {
		return os.NewSyscallError("pidfd_send_signal", unix.EPERM)
	}
	w.signals = append(w.signals, fmt.Sprintf("%d %s %t", p.PID, unix.SignalName(sig), group))
	return nil
}

func (w *world) look(workers []Process, found []Held) {
	for i, p := range workers {
		w.looks++
		found[i] = w.held[p.PID]
	}
}

func (w *world) receive(m *report.Message) error {
	if len(w.queue) == 0 {
		_, _ = unix.Read(w.reports, w.read[:])
		return report.ErrEmpty
	}
	*m, w.queue = w.queue[0], w.queue[1:]
	return nil
}

// queueRules are those of workers that do not report.
func queueRules(limit int) policy.Config {
	c := daemonRules(limit)
	c.QueueDelay, c.ProvenAfter = 20*time.Millisecond, time.Second
	return c
}

// daemonRules are the extensions that availd turns on.
func daemonRules(limit int) policy.Config {
	return policy.Config{
		Limit: limit, ThrottleDelay: time.Second,
		Extensions: policy.Extensions{
			WarnAlways: true, Retire: true, RetireSignal: 15, ThrottleMax: time.Minute, QuickExit: time.Second,
			StallGuard: time.Second, IdleTimeout: 100 * time.Second, StartTimeout: 30 * time.Second,
			StopTimeout: 30 * time.Second, IgnoreTimeout: 30 * time.Second, AbortGrace: 5 * time.Second,
		},
	}
}
