package loop

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

func TestMain(m *testing.M) { testutil.Main(m) }

// world is what a loop under test acts on: its descriptors are real, starts
// and reports are not.
type world struct {
	t            testing.TB
	loop         *Loop
	now          policy.Instant
	wall         time.Time
	listener     int // a real listening socket
	reports      int // an eventfd in the report socket's place
	read         [8]byte
	queue        []report.Message
	starts       []uint64
	stress       []bool
	fail         error
	hang         bool                  // no command is executed
	unexecutable map[int]error         // this one cannot be, nil = not yet, by pid
	held         map[int]quiesce.State // what a look finds, by pid
	// stoppedHeld is what a look at a stopped worker finds, where that differs.
	stoppedHeld  map[int]quiesce.State
	asked        []quiesce.Question // in the latest look
	dumps        map[int]bool       // whose core dump is being written
	collected    int                // how often strangers were
	inTheWay     bool               // of collecting them
	questions    []inspect.Question
	finds        inspect.Answer
	reply        func()                // to the question that waits for it
	pondering    bool                  // questions wait
	late         <-chan status.Service // the answer that was put off
	looks        int
	deny         bool        // SIGSTOP is not permitted
	refuse       error       // of every signal
	pids         map[int]int // pid -> the end of the eventfd that plays its pidfd
	ends         map[int]policy.End
	signals      []string
	lines        []string
	beats        int
	periods      []time.Duration // that were asked for with them, 0 = none
	told         []string
	settings     func() (Settings, error)
	logged       bytes.Buffer
	leftover     bool
	unlistenable error          // why a socket cannot be made to listen again
	slots        map[int]string // what is written down, by slot
	atStart      []string       // the slot of each new worker at the moment of its start
	stored       []string
	identified   int
	memory       policy.Memory
	tally        Tally
	trials       []func(error)
	handed       []Handed
	channels     []Handed    // handed on
	postfix      bool        // new workers have a status channel
	peers        map[int]int // pid -> the worker's end of it
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
	w := &world{t: t, pids: map[int]int{}, peers: map[int]int{}, ends: map[int]policy.End{}, slots: map[int]string{}, stoppedHeld: map[int]quiesce.State{}, now: time.Hour, wall: time.Date(2026, 3, 4, 1, 0, 0, 0, time.Local)}
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
		Name: "test", Protocol: "notify", Version: "9", History: history.New(make([]byte, history.Size)), ReportFD: w.reports, Settings: s, Restored: r, Board: b,
		Sockets: []Socket{{FD: w.listener, Name: "test.socket", Address: "127.0.0.1:0", Listens: true}},
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
		for fd := range l.channels.byFD {
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
		Now:      func() policy.Instant { return w.now },
		Wall:     func() time.Time { return w.wall },
		Start:    w.start,
		Executed: w.executed,
		Discard:  func(fd int) { _ = unix.Close(fd) },
		Listen: func(fd, _ int, done func(bool, error)) {
			err := w.unlistenable
			if err == nil {
				err = unix.Listen(fd, 64)
			}
			done(false, err)
		},
		Signal:           w.signal,
		Look:             w.look,
		Heir:             func(int, time.Duration, func(int) bool) (spawn.Process, bool) { return spawn.Process{}, false },
		Wait:             func(p spawn.Process) (policy.End, bool, error) { e, ok := w.ends[p.PID]; return e, ok, nil },
		Dumps:            func(p spawn.Process) bool { return w.dumps[p.PID] },
		CollectStrangers: func(func(int, policy.End) bool) (bool, error) { w.collected++; return w.inTheWay, nil },
		Receive:          w.receive,
		Inspect: func(q inspect.Question, done func(*inspect.Answer)) {
			w.questions = append(w.questions, inspect.Question{Workers: slices.Clone(q.Workers), Lists: q.Lists})
			w.reply = func() { done(&w.finds); w.reply = nil }
			if !w.pondering {
				w.reply()
			}
		},
		Depth: func(fd int) sockdiag.Depth {
			n, _ := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
			info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			if err != nil {
				return sockdiag.Depth{Waiting: -1, Limit: -1, Readable: n > 0}
			}
			return sockdiag.Depth{Waiting: int(info.Unacked), Limit: int(info.Sacked), Readable: n > 0}
		},
		Ancestor:    func(pid int, _ func(int) bool) (int, bool) { return pid - 1000, true },
		Ready:       func(line string) { w.told = append(w.told, "READY "+line) },
		Status:      func(line string) { w.lines = append(w.lines, line) },
		Beat:        func(period time.Duration) { w.beats++; w.periods = append(w.periods, period) },
		Stopping:    func(line string) { w.told = append(w.told, "STOPPING "+line) },
		Reloading:   func() { w.told = append(w.told, "RELOADING") },
		Flush:       func() bool { return w.leftover },
		Reconfigure: func() (Settings, error) { return w.settings() },
		Keep:        w.keeper(),
		Trial:       func(done func(error)) { w.trials = append(w.trials, done) },
		Execute:     func(h, c []Handed, _ []HandedTemplate) error { w.handed, w.channels = h, c; return unix.ENOEXEC },
		Log:         slog.New(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelInfo, ReplaceAttr: withoutText})),
	}
}

// withoutText leaves out what is written for people: tests know events and fields.
func withoutText(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.MessageKey || a.Key == "end" {
		return slog.Attr{}
	}
	return a
}

// said counts the messages of a kind that have all of these fields, as "key=value".
func (w *world) said(m *event.Message, fields ...string) (n int) {
	fields = append(fields, "event="+m.Event)
	if m.Reason != "" {
		fields = append(fields, "reason="+m.Reason)
	}
	for line := range strings.Lines(w.logged.String()) {
		has := func(f string) bool { return strings.Contains(" "+line, " "+f) }
		if !slices.ContainsFunc(fields, func(f string) bool { return !has(f) }) {
			n++
		}
	}
	return n
}

// isReason reports whether err is a cause of the table.
func isReason(err error, p event.Phrase) bool {
	var r *event.Reason
	return errors.As(err, &r) && r.Name == p.Name
}

func (w *world) keeper() Keeper {
	return Keeper{
		Intend: func(generation uint64, _ policy.Instant, _ bool) (int, error) {
			w.slots[int(generation)] = "intended"
			return int(generation), nil
		},
		Started:  func(slot int, p spawn.Process) { w.slots[slot] = fmt.Sprint("started ", p.PID) },
		Mark:     func(slot int, e policy.Entry, _ bool) { w.slots[slot] = fmt.Sprintf("%d state %d", e.ID, e.State) },
		Free:     func(slot int) { delete(w.slots, slot) },
		Remember: func(m policy.Memory, t Tally) { w.memory, w.tally = m, t },
		Identify: func(_ int, p spawn.Process) { w.identified++ },
		Store:    func(g uint64, _ spawn.Process) { w.stored = append(w.stored, fmt.Sprint("+", g)) },
		Unstore:  func(g uint64) { w.stored = append(w.stored, fmt.Sprint("-", g)) },
	}
}

func (w *world) start(generation uint64, stress bool, _ int, _ *spawn.Conn) (spawn.Process, error) {
	if w.fail != nil {
		return spawn.Process{}, w.fail
	}
	w.atStart = append(w.atStart, w.slots[int(generation)])
	w.starts, w.stress = append(w.starts, generation), append(w.stress, stress)
	pid := 100 + int(generation)
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	w.pids[pid] = fd
	p := spawn.Process{PID: pid, FD: fd}
	if w.postfix {
		p.Channel = w.pair(pid)
	}
	return p, err
}

// executed: commands are at once, but for those of the pids that hang.
func (w *world) executed(p spawn.Process) (bool, error) {
	if err, ok := w.unexecutable[p.PID]; ok {
		return err != nil, err
	}
	return !w.hang, nil
}

func (w *world) signal(p spawn.Process, sig unix.Signal, group bool) error {
	if w.refuse != nil {
		return os.NewSyscallError("pidfd_send_signal", w.refuse)
	}
	if w.deny && sig == unix.SIGSTOP {
		return os.NewSyscallError("pidfd_send_signal", unix.EPERM)
	}
	w.signals = append(w.signals, fmt.Sprintf("%d %s %t", p.PID, unix.SignalName(sig), group))
	return nil
}

func (w *world) look(questions []quiesce.Question, found func([]quiesce.State)) {
	w.asked = questions
	held := make([]quiesce.State, len(questions))
	for i, q := range questions {
		w.looks++
		held[i] = w.held[q.PID]
		if q.Stopped {
			if h, differs := w.stoppedHeld[q.PID]; differs {
				held[i] = h
			}
		}
	}
	found(held)
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
