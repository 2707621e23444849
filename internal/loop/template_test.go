package loop

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/internal/testutil"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// forking is a template, whose argument says what goes wrong. Its workers wait for a signal;
// while the file kept is there they keep their descriptor, and say there what is in it.
const forking = `
import os, signal, socket, sys, threading, time
mode, kept = sys.argv[1:]
c = socket.socket(fileno=3)
if mode == "ends": sys.exit(3)
if mode == "is never ready": time.sleep(1000)
if mode == "closes its channel": c.close(); time.sleep(1000)
if mode == "has threads": threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
c.send(b"READY=1")
if mode == "does not read": time.sleep(1000)
while order := c.recv(4096):
    if mode == "ends with an order": sys.exit(4)
    number = order.split(b"\n")[0][5:]
    if mode == "refuses": c.send(b"FAILED=" + number + b" no room"); continue
    if os.fork(): os.wait(); continue
    if os.fork(): os._exit(0)
    if mode == "ends in the fork": os._exit(5)
    if mode == "hangs in the fork": time.sleep(1000)
    c.send(b"BORN=" + number)
    if os.path.exists(kept):
        while os.getpgid(0) != os.getpid(): time.sleep(0.001)  # what it starts is not of the template's group
        if os.fork() == 0:
            for line in open(kept, "rb").read().splitlines(): c.send(line)
            os._exit(0)
        os.wait()
    c.close()
    signal.pause()
`

// forest is a world whose workers are forked by a real template.
type forest struct {
	*world
	mode, next string // of templates of this configuration, and of the one that a reload brings
	kept       string
	templates  []int // their pids, in order
	forgotten  int
}

func newForest(t *testing.T, cfg policy.Config, mode string) *forest {
	python := testutil.Program(t, "python3")
	if err := spawn.BecomeReaper(); err != nil {
		t.Fatal(err)
	}
	f := &forest{mode: mode, next: mode, kept: filepath.Join(t.TempDir(), "kept")}
	f.world = newWorldAfter(t, cfg, nil, func(s *Settings) { s.Template, s.StartTimeout = true, cfg.StartTimeout })
	s := &f.loop.seams
	s.Executed = func(p spawn.Process) (bool, error) { return p.Executed() }
	s.Signal = func(p spawn.Process, sig unix.Signal, group bool) error {
		if group {
			return p.SignalGroup(sig)
		}
		return p.Signal(sig)
	}
	s.Wait = spawn.Process.Wait
	s.CollectStrangers = spawn.CollectStrangers
	s.Prepare = func(_ string, done func(error)) { done(nil) }
	s.Start = func(generation uint64, stress bool, _ int, _ *spawn.Conn) (spawn.Process, error) {
		f.starts = append(f.starts, generation)
		return (&spawn.Command{Path: "/bin/sleep", Args: []string{"1000"}}).Start(generation, stress, spawn.Handover{Files: []int{spawn.Null, 1, 2}})
	}
	s.Templates = Templates{
		Start: func(next bool) (spawn.Process, *template.Channel, error) {
			c, theirs, err := template.Open()
			if err != nil {
				return spawn.Process{}, nil, err
			}
			mode := f.mode
			if next {
				mode = f.next
			}
			command := spawn.Command{Path: python, Args: []string{"-c", forking, mode, f.kept}}
			p, err := command.Start(0, false, spawn.Handover{Files: []int{spawn.Null, 1, 2, theirs}})
			p.Given = theirs
			f.templates = append(f.templates, p.PID)
			return p, c, err
		},
		Order: func(generation uint64, _ bool, _ int) template.Order { return template.Order{Generation: generation} },
		Room:  func() error { return nil },
		Forked: func(m *template.Message, t spawn.Process, _ bool) (p spawn.Process, err error) {
			if p = (spawn.Process{PID: m.PID, FD: m.PIDFD, Alone: spawn.GroupOf(m.PID) != m.PID}); p.FD < 0 {
				p.FD, err = unix.PidfdOpen(m.PID, 0)
			}
			if g := spawn.GroupOf(m.PID); err == nil && g != t.PID && g != m.PID {
				err = errors.New("it is of another family")
				_ = unix.Close(p.FD)
			}
			return p, err
		},
		OwnGroup: func(p spawn.Process) bool { return spawn.OwnGroup(p.PID) == nil },
		Group:    spawn.GroupOf, Threads: procfs.CountThreads,
		Foreign: func(spawn.Process, func([]string)) {},
		Keep:    func(spawn.Process, int) {}, Forget: func(spawn.Process) { f.forgotten++ },
	}
	reconfigure := f.settings
	f.settings = func() (Settings, error) { f.mode = f.next; return reconfigure() }
	t.Cleanup(f.fell)
	return f
}

// fell ends all processes and collects them.
func (f *forest) fell() {
	for _, p := range f.loop.procs {
		if p.order == nil {
			_ = p.SignalGroup(unix.SIGKILL)
		}
	}
	for _, t := range f.loop.templates.all {
		_ = t.SignalGroup(unix.SIGKILL)
		_ = unix.Close(t.FD)
		_ = unix.Close(t.channel.Disown())
		if t.Given > 0 {
			_ = unix.Close(t.Given)
		}
	}
	for {
		if _, err := unix.Wait4(-1, nil, 0, nil); errors.Is(err, unix.ECHILD) {
			return
		}
	}
}

// await runs the loop until something is so. Its clock stands still but for a step that
// pauses of the loop itself need.
func (f *forest) await(what string, is func() bool) {
	f.t.Helper()
	for end := time.Now().Add(patience); !is(); {
		if time.Now().After(end) {
			text := f.logged.String()
			f.t.Fatalf("%s: not within a minute; procs %v, log:\n%s", what, f.loop.procs, text[max(0, len(text)-4000):])
		}
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(f.loop.epoll.fd), Events: unix.POLLIN}}, 5)
		f.now += time.Millisecond
		f.loop.strangers.died(f.now)
		if f.ready() { // else it would wait, by a clock that stands still
			if err := f.loop.turn(); err != nil {
				f.t.Fatal(err)
			}
		}
	}
}

// workers are the pids of those that are there.
func (f *forest) workers() (pids []int) {
	for pid, p := range f.loop.procs {
		if p.order == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func (f *forest) awaitWorkers(n int) {
	f.t.Helper()
	f.await(strconv.Itoa(n)+" workers", func() bool { return len(f.workers()) == n && len(f.loop.procs) == n })
}

// patience is for a busy machine.
const patience = time.Minute

func (f *forest) says(text string) bool { return strings.Contains(f.logged.String(), text) }

// spares is a pool that has n workers without a client.
func spares(n int) policy.Config {
	c := daemonRules(10)
	c.MinSpare, c.MaxStarting, c.ExecTimeout = n, n, c.StartTimeout
	return c
}

// TestForks: workers are forked by one template, in groups of their own, written down under
// their pids, and collected by the loop; the template goes on.
func TestForks(t *testing.T) {
	f := newForest(t, spares(3), "")
	f.awaitWorkers(3)
	f.await("groups of their own", func() bool { return len(f.loop.templates.joint) == 0 })
	if len(f.templates) != 1 {
		t.Errorf("the templates are %v", f.templates)
	}
	for _, pid := range f.workers() {
		p := f.loop.procs[pid]
		if s, _ := procfs.ReadStat(pid); s.Parent != os.Getpid() || s.Group != pid || p.Alone {
			t.Errorf("worker %d: %+v", pid, s)
		}
		if state := f.slots[p.slot]; state != "started "+strconv.Itoa(pid) && !strings.HasPrefix(state, strconv.Itoa(pid)+" state") {
			t.Errorf("worker %d is written down as %q", pid, state)
		}
	}
	first := f.workers()[0]
	_ = unix.Kill(first, unix.SIGKILL)
	f.await("its end", func() bool { return f.loop.procs[first] == nil })
	if n := f.loop.templates.current.forks; n < 3 || len(f.starts) != 0 {
		t.Errorf("%d forks, %d executed", n, len(f.starts))
	}
}

// TestForkIsNoHeir: while an order is unanswered a process that nobody knows may be the
// worker, in a session of its own already, and is not what another has left behind.
func TestForkIsNoHeir(t *testing.T) {
	f := newForest(t, spares(1), "")
	f.awaitWorkers(1)
	asked := 0
	f.loop.seams.Heir = func(int, time.Duration, func(int) bool) (spawn.Process, bool) {
		asked++
		return spawn.Process{}, false
	}
	p := f.loop.procs[f.workers()[0]]
	for _, orders := range []int{1, 0} {
		f.loop.templates.current.orders = orders
		if f.loop.exits.leaveToHeir(p, policy.End{}) || asked != 1-orders {
			t.Errorf("with %d orders it was looked for an heir %d times", orders, asked)
		}
	}
}

// TestTemplateKilled: the workers live, and the next ones are forked by another template.
func TestTemplateKilled(t *testing.T) {
	f := newForest(t, spares(2), "")
	f.awaitWorkers(2)
	before := f.workers()
	_ = unix.Kill(f.templates[0], unix.SIGKILL)
	f.await("its end to be seen", func() bool { return f.loop.templates.current == nil || f.templates[0] != f.loop.templates.current.PID })
	_ = unix.Kill(before[0], unix.SIGKILL)
	f.await("its end", func() bool { return f.loop.procs[before[0]] == nil })
	f.after(time.Minute) // should the pool have been throttled
	f.awaitWorkers(2)
	if len(f.templates) != 2 || f.loop.procs[before[1]] == nil || !f.says("reason=ended template_pid="+strconv.Itoa(f.templates[0])+" signal=SIGKILL forks=2") {
		t.Errorf("templates %v, workers %v after %v:\n%s", f.templates, f.workers(), before, &f.logged)
	}
	f.await("the old template to be forgotten", func() bool { return f.forgotten == 1 && len(f.loop.templates.all) == 1 })
}

// TestTemplateFaults: each ends in a pause with the reason, and no slot is lost.
func TestTemplateFaults(t *testing.T) {
	for mode, why := range map[string]struct {
		cause event.Phrase
		field string
	}{
		"ends":               {event.TemplateDied, "exit_status=3"},
		"ends with an order": {event.ForkerDied, "exit_status=4"},
		"ends in the fork":   {event.ForkDied, "exit_status=5"},
		"refuses":            {event.CannotFork, "why=\"no room\""},
	} {
		t.Run(mode, func(t *testing.T) {
			f := newForest(t, spares(2), mode)
			f.await("a pause", func() bool { return f.condition().Throttled })
			if f.said(event.Throttled, "reason="+why.cause.Name, why.field) == 0 {
				t.Errorf("want %s, %s:\n%s", why.cause.Name, why.field, &f.logged)
			}
			if n := f.loop.tally.TemplateFailures; (n > 0) != (mode == "ends" || mode == "ends with an order") {
				t.Errorf("%d failures are counted", n)
			}
			f.await("no order to be left", func() bool { return len(f.loop.procs) == 0 && f.condition().Total == 0 })
			if len(f.slots) != 0 {
				t.Errorf("slots are left: %v", f.slots)
			}
			f.mode = ""
			if mode == "refuses" || mode == "ends in the fork" { // it goes on as before
				_ = unix.Kill(f.templates[len(f.templates)-1], unix.SIGKILL)
			}
			f.await("workers of a good one", func() bool {
				if f.condition().Throttled {
					f.now += time.Second
				}
				return len(f.workers()) >= 2
			})
		})
	}
}

// TestTemplateHangs: time decides, and whatever the template has forked is ended with it.
func TestTemplateHangs(t *testing.T) {
	for _, mode := range []string{"is never ready", "does not read", "hangs in the fork"} {
		t.Run(mode, func(t *testing.T) {
			rules := spares(2)
			rules.ThrottleDelay, rules.ThrottleMax = time.Hour, time.Hour
			f := newForest(t, rules, mode)
			f.await("orders", func() bool {
				c := f.loop.templates.current
				return c != nil && (mode == "is never ready" || c.orders == 2)
			})
			if mode == "hangs in the fork" {
				f.await("the forks", func() bool { return children(t) == 3 })
			}
			for range 62 { // a clock that jumps excuses everybody
				f.after(500 * time.Millisecond)
			}
			if !f.condition().Throttled || !f.says("reason=fork_timeout") {
				t.Errorf("throttled %t:\n%s", f.condition().Throttled, &f.logged)
			}
			f.await("nobody to be left", func() bool {
				return len(f.loop.procs) == 0 && len(f.loop.templates.all) == 0 && children(t) == 0
			})
		})
	}
}

func children(t *testing.T) int {
	pids, err := procfs.Children(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	return len(pids)
}

// TestTemplateIdle: the template stays for a while after the last worker, and then goes; the
// next client has it started again, and is served by its first fork.
func TestTemplateIdle(t *testing.T) {
	f := newForest(t, daemonRules(10), "")
	f.loop.cfg.TemplateIdle = time.Hour
	f.connect()
	f.awaitWorkers(1)
	f.accept()
	f.world.says(f.workers()[0], report.Busy)
	f.await("its group", func() bool { return len(f.loop.templates.joint) == 0 })
	f.world.says(f.workers()[0], report.Idle)
	_ = unix.Kill(f.workers()[0], unix.SIGTERM)
	f.awaitWorkers(0)
	f.now += 30 * time.Minute
	f.await("a turn", func() bool { return true })
	if f.loop.templates.current == nil {
		t.Fatal("the template has left before its time")
	}
	f.now += 31 * time.Minute
	f.await("the template to leave", func() bool { return len(f.loop.templates.all) == 0 })
	if f.condition().Throttled {
		f.now += time.Minute
	}
	f.connect()
	f.awaitWorkers(1)
	if len(f.templates) != 2 || f.loop.templates.current.forks != 1 {
		t.Errorf("templates %v, %d forks of the second", f.templates, f.loop.templates.current.forks)
	}
}

// TestTemplateThreads: forks of it may hang, so workers are executed, and it is said once.
func TestTemplateThreads(t *testing.T) {
	f := newForest(t, spares(2), "has threads")
	f.awaitWorkers(2)
	if len(f.starts) != 2 || len(f.templates) != 1 || strings.Count(f.logged.String(), "reason=threads") != 1 {
		t.Errorf("%d executed, templates %v:\n%s", len(f.starts), f.templates, &f.logged)
	}
	f.await("its end", func() bool { return len(f.loop.templates.all) == 0 })
	if n := f.loop.tally.TemplateFailures; n != 1 {
		t.Errorf("%d failures are counted", n)
	}
}

// TestTemplateReload: a new template is tested before anything is changed, and the older one
// goes when the new one's workers serve.
func TestTemplateReload(t *testing.T) {
	f := newForest(t, spares(2), "")
	f.awaitWorkers(2)
	for mode, why := range map[string]event.Phrase{
		"ends": event.TemplateDied, "is never ready": event.TemplateTimedOut, "ends in the fork": event.ForkDied,
		"closes its channel": event.TemplateHungUp,
	} {
		f.next = mode
		reply := f.reload()
		if mode == "is never ready" {
			f.await("the template", func() bool { return f.loop.templates.coming != nil })
			f.after(31 * time.Second)
		}
		// A channel is closed before the end of its process can be seen, and this clock is fast.
		if o := f.outcome(reply); !isReason(o.Err, why) && (mode != "ends" || !isReason(o.Err, event.TemplateHungUp)) {
			t.Errorf("%s: %v, want %s", mode, o.Err, why.Name)
		}
		f.await("the first template alone", func() bool {
			all := f.loop.templates.all
			return len(all) == 1 && all[0].PID == f.templates[0] && f.loop.templates.current == all[0]
		})
		if len(f.workers()) < 2 {
			t.Errorf("%s: the workers are %v", mode, f.workers())
		}
	}
	f.next = ""
	if o := f.outcome(f.reload()); o.Err != nil {
		t.Errorf("a good one: %v", o.Err)
	}
	f.await("the new template alone", func() bool {
		all := f.loop.templates.all
		return len(all) == 1 && all[0].PID == f.templates[len(f.templates)-1]
	})
}

func (f *forest) reload() chan Outcome {
	reply := make(chan Outcome, 1)
	f.loop.reloads.begin(reply, "")
	return reply
}

// outcome waits for that of a reload. What proves a worker is time, so it passes.
func (f *forest) outcome(reply chan Outcome) (o Outcome) {
	f.t.Helper()
	f.await("the end of the reload", func() bool {
		for _, pid := range f.workers() {
			f.world.says(pid, 1)
		}
		f.now += 50 * time.Millisecond
		select {
		case o = <-reply:
			return true
		default:
			return false
		}
	})
	return o
}

// TestForged: a worker that keeps its end of the channel, and what it has started, can order
// nothing, and say for no other worker that it is there.
func TestForged(t *testing.T) {
	f := newForest(t, spares(1), "")
	lies := "READY=1\nBORN=1\nBORN=2\nBORN=99\nFAILED=2 x\nnonsense\n"
	if err := os.WriteFile(f.kept, []byte(lies), 0o600); err != nil {
		t.Fatal(err)
	}
	f.awaitWorkers(1)
	f.await("all lies to be heard", func() bool { return f.tally.Rejected.Reports == 6 })
	if len(f.workers()) != 1 || f.condition().Total != 1 || f.said(event.PacketRejected, "reason="+event.NotOrdered.Name) == 0 || f.said(event.PacketRejected, "reason="+event.ReadyByOther.Name) == 0 {
		t.Errorf("workers %v, total %d:\n%s", f.workers(), f.condition().Total, &f.logged)
	}
}

// TestStopForks: a stop ends orders, workers and templates.
func TestStopForks(t *testing.T) {
	for _, mode := range []string{"", "is never ready", "does not read"} {
		t.Run(mode, func(t *testing.T) {
			f := newForest(t, spares(2), mode)
			f.await("a template", func() bool { return f.loop.templates.current != nil })
			f.loop.stop(unix.SIGTERM)
			for i := 0; i < 100 && !f.loop.done; i++ {
				f.await("a turn", func() bool { return true })
				_, _ = unix.Poll([]unix.PollFd{{Fd: int32(f.loop.epoll.fd), Events: unix.POLLIN}}, 50)
				f.after(500 * time.Millisecond)
			}
			f.loop.templates.endTemplates()
			if !f.loop.done || len(f.workers()) > 0 {
				t.Errorf("done %t, workers %v:\n%s", f.loop.done, f.workers(), &f.logged)
			}
		})
	}
}
