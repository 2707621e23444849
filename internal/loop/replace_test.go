package loop

import (
	"errors"
	"regexp"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// shutDown is a world whose socket is shut down for ever, and whose service manager answers
// so.
func shutDown(t *testing.T, answer Remedy) (w *world, asked *[]string) {
	t.Helper()
	w = newWorldAfter(t, daemonRules(5), left(t, 1, true))
	w.unlistenable = errors.New("not any more")
	asked = new([]string)
	w.loop.seams.Replace = func(name string, _ bool, done func(Remedy)) {
		*asked = append(*asked, name)
		done(answer)
	}
	if err := unix.Shutdown(w.listener, unix.SHUT_RDWR); err != nil {
		t.Fatal(err)
	}
	w.turn()
	w.after(3 * listenAgain)
	return w, asked
}

// TestReplace: what is said and done when the service manager restarts the units, when the
// socket comes anew once the service has ended, and when nothing can be done.
func TestReplace(t *testing.T) {
	for answer, reasons := range map[Remedy][]string{
		Restarted: {"dead_anew"}, // what follows is a stop
		AfterExit: {"dead_anew", "leaving"},
		NoRemedy:  {"dead_anew", "dead"},
	} {
		w, asked := shutDown(t, answer)
		if len(*asked) != 1 || (*asked)[0] != "test.socket" {
			t.Errorf("%d: asked for %q", answer, *asked)
		}
		var said []string
		for _, m := range regexp.MustCompile(`event=socket_down reason=(\w+)`).FindAllStringSubmatch(w.logged.String(), -1) {
			said = append(said, m[1])
		}
		if !slices.Equal(said, reasons) {
			t.Errorf("%d: said %q, want %q\n%s", answer, said, reasons, &w.logged)
		}
		if s := w.loop.shown.snapshot(); s.Draining != (answer == AfterExit) || *s.Sockets[0].Fault != status.NotListening {
			t.Errorf("%d: %+v", answer, s)
		}
	}
}

// TestReplaceAtStart: an availd that finds its socket shut down does not end for it, or
// systemd would start the next one for ever.
func TestReplaceAtStart(t *testing.T) {
	w, _ := shutDown(t, AfterExit)
	if !w.loop.policy.Condition(w.now).Draining {
		t.Error("it does not end")
	}
	w, _ = shutDown(t, NoRemedy)
	w.loop.sockets.downs.list[0].before = true
	if w.loop.sockets.replaced(replaced{0, AfterExit}) {
		t.Error("it ends for a socket that was down before")
	}
}

// TestReplaceThenStop: a stop during the drain for a socket is the first one, which kills
// nobody; the next one is the second.
func TestReplaceThenStop(t *testing.T) {
	w, _ := shutDown(t, AfterExit)
	w.expectSignals("101", "TERM")
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101")
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	w.expectSignals("101", "KILL")
}

// TestReplaceBesideOthers: sockets of a unit of which one is in order are left alone, and in
// a stop nobody is asked.
func TestReplaceBesideOthers(t *testing.T) {
	w := newWorld(t, daemonRules(5))
	other := listen(t)
	l := w.loop
	l.sockets.list = append(l.sockets.list, Socket{FD: other, Name: "test.socket", Address: "127.0.0.2:0", Listens: true})
	l.sockets.in, l.sockets.downs.list = append(l.sockets.in, false), append(l.sockets.downs.list, down{})
	l.sockets.seen = nil
	asked := 0
	l.seams.Replace = func(string, bool, func(Remedy)) { asked++ }
	l.sockets.pathGone(pathState{0, true})
	if asked != 0 {
		t.Error("a socket in order is replaced")
	}
	l.sockets.pathGone(pathState{1, true})
	if asked != 1 {
		t.Errorf("asked %d times for a unit without a socket in order", asked)
	}
	w.loop.Signal(unix.SIGTERM)
	w.turn()
	l.sockets.pathGone(pathState{1, false})
	l.sockets.downs.list[1].asked = false
	l.sockets.pathGone(pathState{1, true})
	if asked != 1 {
		t.Error("in a stop the service manager is asked for a restart")
	}
}
