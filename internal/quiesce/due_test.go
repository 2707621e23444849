package quiesce

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// dueOf looks once, and returns what is known of whom.
func dueOf(l *Looker, limits Limits, pids []int) map[int]policy.Working {
	asked := make([]policy.Working, 0, len(pids))
	for _, pid := range pids {
		asked = append(asked, policy.Working{Worker: pid})
	}
	found := map[int]policy.Working{}
	for _, w := range l.Due(asked, limits) {
		found[w.Worker] = w
	}
	return found
}

// awaitDue looks as often as it takes until it is so.
func awaitDue(t *testing.T, l *Looker, limits Limits, pids []int, is func(all map[int]policy.Working) bool) {
	t.Helper()
	var all map[int]policy.Working
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if all = dueOf(l, limits, pids); is(all) {
			return
		}
	}
	t.Fatalf("it does not become so: %+v", all)
}

// TestDue: a look for requests that are too old finds the same ones as a look at all workers
// does, and no other worker at work for so long.
func TestDue(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("how a thread waits is not known on this architecture")
	}
	const limit = 400 * time.Millisecond
	for _, test := range []struct {
		reads, says string
		works       bool
	}{
		{"recv", "whole", false},
		{"poll", "whole", false},
		{"epoll", "whole", false},
		{"recv", "", false},
		{"recv", "half", true},
		{"recv", "compute", true},
		{"epoll", "compute", true},
		{"recv", "child", true},
		{"recv", "stream", true}, // half of the answer, and then nothing
	} {
		t.Run(test.reads+" "+test.says, func(t *testing.T) {
			t.Parallel()
			fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
			p, idle := serve(t, fd, test.reads), serve(t, fd, test.reads)
			l := New([]int{fd}, nil)
			defer l.Close()
			pids := []int{p.PID, idle.PID}
			for pid, w := range dueOf(l, Limits{Busy: limit}, pids) {
				if w != (policy.Working{Worker: pid}) {
					t.Errorf("without a client: %+v", w)
				}
			}
			began := time.Now()
			client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
			if test.says != "" {
				_, err := unix.Write(client, []byte(test.says))
				must(t, err)
			}
			if test.says == "whole" || test.says == "stream" {
				_, err := unix.Read(client, make([]byte, 6))
				must(t, err)
			}
			old := func(all map[int]policy.Working) (n int) {
				for _, w := range all {
					if w.For > time.Since(began)+20*time.Millisecond {
						t.Fatalf("%+v, %v after the client has come", w, time.Since(began))
					}
					if w.Holds && w.Works && w.For >= limit {
						n++
					}
				}
				return n
			}
			if test.works {
				awaitDue(t, l, Limits{Slow: limit, Busy: 2 * limit}, pids, func(all map[int]policy.Working) bool { return old(all) == 1 })
			} else {
				for time.Since(began) < 3*limit {
					if all := dueOf(l, Limits{Slow: limit, Busy: 2 * limit}, pids); old(all) != 0 {
						t.Fatalf("%+v", all)
					}
					time.Sleep(10 * time.Millisecond)
				}
			}
			whole := map[int]policy.Working{}
			for _, pid := range pids { // of the other one is remembered nothing
				whole[pid] = workOf(l, pid)
			}
			if n := old(whole); n != 0 != test.works {
				t.Errorf("a whole look has found %+v", whole)
			}
		})
	}
}

// TestDueAnew: the next request of a kept connection begins then, and a connection that is
// closed is nobody's.
func TestDueAnew(t *testing.T) {
	const limit = 300 * time.Millisecond
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	p := serve(t, fd, "recv")
	l := New([]int{fd}, nil)
	defer l.Close()
	pids := []int{p.PID}
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	for range 2 {
		_, err := unix.Write(client, []byte("half"))
		must(t, err)
		began := time.Now()
		is := func(w policy.Working) bool {
			if w.Works && w.For > time.Since(began)+20*time.Millisecond {
				t.Fatalf("%+v, %v after it began", w, time.Since(began))
			}
			return w.Works && w.For >= limit
		}
		awaitDue(t, l, Limits{Slow: limit}, pids, func(all map[int]policy.Working) bool { return is(all[p.PID]) })
		_, err = unix.Write(client, []byte("whole"))
		must(t, err)
		_, err = unix.Read(client, make([]byte, 6))
		must(t, err)
		time.Sleep(50 * time.Millisecond) // the kernel's clock ticks, so that the next request is later
	}
	must(t, unix.Shutdown(client, unix.SHUT_RDWR))
	awaitDue(t, l, Limits{Slow: limit}, pids, func(all map[int]policy.Working) bool { return all[p.PID] == policy.Working{Worker: p.PID} })
	if len(l.jobs) != 0 {
		t.Errorf("%d requests are remembered", len(l.jobs))
	}
}

// TestDueElsewhere: a connection that no worker has is looked for seldom, and makes nobody
// busy.
func TestDueElsewhere(t *testing.T) {
	const limit = 100 * time.Millisecond
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	idle := serve(t, fd, "recv")
	must(t, unix.Kill(idle.PID, unix.SIGSTOP)) // so that this process accepts
	for stopped := false; !stopped; stopped, _ = awaitStop(idle.PID) {
		if t.Context().Err() != nil {
			t.Fatal("the worker does not stop")
		}
	}
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	taken, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC)
	must(t, err)
	defer func() { _ = unix.Close(taken) }()
	_, err = unix.Write(client, []byte("request"))
	must(t, err)
	awaitDue(t, l, Limits{Slow: limit}, []int{idle.PID}, func(all map[int]policy.Working) bool {
		if all[idle.PID].Works {
			t.Fatalf("%+v", all)
		}
		for _, j := range l.jobs {
			return !j.sought.IsZero()
		}
		return false
	})
	want := policy.Working{Worker: idle.PID}
	if w, known := dueOf(l, Limits{Slow: limit}, []int{idle.PID})[idle.PID]; !known || w != want || len(l.due.closely) != 0 {
		t.Errorf("%+v, known: %t, %d are looked at closely", w, known, len(l.due.closely))
	}
}

// TestDueHandedOn: a worker that has given its connection away is not at work for it any
// more, however long it was.
func TestDueHandedOn(t *testing.T) {
	const limit = 300 * time.Millisecond
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w := start(t, fd)
	pid := w.cmd.Process.Pid
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	_, err := unix.Write(client, []byte("request"))
	must(t, err)
	w.do("accept")
	old := func(all map[int]policy.Working) bool { return all[pid].Works && all[pid].For >= 2*limit }
	awaitDue(t, l, Limits{Busy: limit}, []int{pid}, old)
	w.do("child") // it takes the connection over
	for range 3 {
		if all := dueOf(l, Limits{Busy: limit}, []int{pid}); all[pid].Works {
			t.Errorf("%+v", all)
		}
	}
}

// TestDueReused: a process that has the number that a worker's child had makes that worker
// not busy.
func TestDueReused(t *testing.T) {
	const limit = 200 * time.Millisecond
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	l := New([]int{fd}, nil)
	defer l.Close()
	w, p := start(t, fd), start(t, fd)
	idle, pid := w.cmd.Process.Pid, p.cmd.Process.Pid
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	_, err := unix.Write(client, []byte("request"))
	must(t, err)
	p.do("accept")
	for number := range 16 {
		if connectionAt(pid, number) != 0 {
			l.due.usual = append(l.due.usual, number)
		}
	}
	l.due.servants[idle] = pid
	awaitDue(t, l, Limits{Busy: limit}, []int{idle, pid}, func(all map[int]policy.Working) bool {
		if all[idle].Works {
			t.Fatalf("%+v", all)
		}
		return all[pid].Works && all[pid].For >= limit
	})
}
