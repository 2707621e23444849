package loop

import (
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/internal/template"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// serving is a world after an availd that has left a program, process 101, which did not
// become a template, and theirs is its end of the channel.
func serving(t *testing.T, r *Restored, refuse error) (w *world, theirs int) {
	t.Helper()
	c, theirs, err := template.Open()
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) // the loop closes it
	if err != nil {
		t.Fatal(err)
	}
	r.Templates = []RestoredTemplate{{Process: spawn.Process{PID: 101, FD: fd}, Channel: c, MayBeStopped: true}}
	w = newWorldAfter(t, daemonRules(5), r, func(s *Settings) {
		s.Template, s.TemplatePreload, s.StartTimeout = true, true, time.Second
	})
	w.held, w.refuse = map[int]quiesce.State{101: quiesce.Holding}, refuse
	w.loop.seams.Templates = Templates{
		Group: func(pid int) int { return pid }, Forget: func(spawn.Process) {}, Keep: func(spawn.Process, int) {},
		OwnGroup: func(spawn.Process) bool { return true },
		Start: func(bool) (spawn.Process, *template.Channel, error) {
			return spawn.Process{}, nil, unix.EAGAIN
		},
	}
	t.Cleanup(func() {
		_ = unix.Close(theirs)
		for _, t := range w.loop.templates.all {
			_ = unix.Close(t.channel.Disown())
			_ = unix.Close(t.FD)
		}
	})
	return w, theirs
}

// TestServingProgramOfEarlier: a program that an earlier availd has stopped to look at it goes
// on, keeps its client, and is ended when it has none.
func TestServingProgramOfEarlier(t *testing.T) {
	w, theirs := serving(t, &Restored{Memory: policy.Forgotten()}, nil)
	w.turn()
	w.expectSignals("101", "CONT")
	if n, err := unix.Read(theirs, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("a template in its place would not see the end of its orders: %d, %v", n, err)
	}
	for range 30 {
		w.after(time.Second)
	}
	w.expectSignals("101")
	w.held[101] = quiesce.Free
	w.after(longWait)
	w.expectSignals("101", "STOP", "KILL")
	w.refuse = unix.ENOMEM // a program that has ended is sent nothing
	w.ends = map[int]policy.End{101: {Signal: 9}}
	w.loop.templates.collectTemplate(w.loop.templates.all[0])
	if !w.loop.isDead(&proc{program: &templateProc{state: templateEnded}}) {
		t.Error("it has ended, and is taken for alive")
	}
}

// TestServingProgramWithOrders: such a program answers no order. It is not killed for that.
func TestServingProgramWithOrders(t *testing.T) {
	r := &Restored{Memory: policy.Forgotten(), Orders: []RestoredOrder{{Entry: policy.Entry{Generation: 1}, Slot: 1}}}
	w, _ := serving(t, r, nil)
	for range 10 {
		w.after(time.Second)
	}
	if got := w.heard("101"); slices.Contains(got, "KILL") || slices.Contains(got, "TERM") {
		t.Errorf("it heard %v", got)
	}
	if p := w.loop.procs[-1]; p != nil {
		t.Errorf("the order is not over: %+v", p)
	}
}

// TestRefusedContinueProgram: SIGCONT for it is sent again when the system has refused it.
func TestRefusedContinueProgram(t *testing.T) {
	w, _ := serving(t, &Restored{Memory: policy.Forgotten()}, nil)
	w.held[101], w.stoppedHeld = quiesce.Free, map[int]quiesce.State{101: quiesce.Running}
	w.after(answerPatience)
	w.expectSignals("101", "CONT", "STOP")
	w.refuse = unix.ENOMEM
	w.after(lookLong)
	w.held[101] = quiesce.Holding
	w.refuse = nil
	w.after(firstResend)
	w.expectSignals("101", "CONT")
}
