package quiesce

import (
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestWorks: a worker is at a request as long as its client waits for it. A connection that
// is kept open for the next request is no work, nor is one on which the worker waits for
// its client.
func TestWorks(t *testing.T) {
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("how a thread waits is not known on this architecture")
	}
	for _, test := range []struct {
		reads, says string
		unix        bool
		works       bool
	}{
		{"recv", "whole", false, false},
		{"poll", "whole", false, false},
		{"select", "whole", false, false},
		{"epoll", "whole", false, false},
		{"recv", "", false, false},
		{"recv", "half", false, true}, // its client has said something, and waits
		{"recv", "compute", false, true},
		{"epoll", "compute", false, true},
		{"recv", "child", false, true}, // and the child has no connection
		{"recv", "child", true, true},
		{"recv", "stream", false, true}, // half of the answer, and then nothing
		{"recv", "whole", true, false},
		{"poll", "whole", true, false},
		{"recv", "", true, false},
		{"recv", "compute", true, true},
		{"recv", "stream", true, true},
	} {
		name := test.reads + " " + test.says
		if test.unix {
			name += " unix"
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			family, address := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
			if test.unix {
				family, address = unix.AF_UNIX, &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
			}
			fd, sa := listen(t, family, unix.SOCK_STREAM, address)
			p := serve(t, fd, test.reads)
			l := New([]int{fd}, nil)
			defer l.Close()
			if w := workOf(l, p.PID); w != (policy.Working{Worker: p.PID}) {
				t.Errorf("without a client: %+v", w)
			}
			began := time.Now()
			client := connect(t, family, unix.SOCK_STREAM, sa)
			if test.says != "" {
				_, err := unix.Write(client, []byte(test.says))
				must(t, err)
			}
			if test.says == "whole" || test.says == "stream" {
				_, err := unix.Read(client, make([]byte, 6))
				must(t, err)
			}
			// It needs a moment to get where it stays, and a request that was seen is the same
			// one at the next look.
			await(t, l, p.PID, func(w policy.Working) bool {
				return w.Holds && w.Works == test.works && (!w.Works || w.For > 250*time.Millisecond)
			})
			for range 3 {
				if w := workOf(l, p.PID); !w.Holds || w.Works != test.works || w.For > time.Since(began)+20*time.Millisecond {
					t.Fatalf("it does not stay so: %+v, %v after its client has come", w, time.Since(began))
				}
			}
		})
	}
}

// workOf looks once at one worker.
func workOf(l *Looker, pid int) policy.Working {
	asked := []policy.Working{{Worker: pid}}
	l.Works(asked)
	return asked[0]
}

// await looks until it is so: a worker needs a moment to get where it stays.
func await(t *testing.T, l *Looker, pid int, is func(policy.Working) bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if is(workOf(l, pid)) {
			return
		}
	}
	t.Fatalf("it does not become so: %+v", workOf(l, pid))
}

// TestWorksAnew: the next request of a kept connection is another one, and begins then.
func TestWorksAnew(t *testing.T) {
	for _, family := range []int{unix.AF_INET, unix.AF_UNIX} {
		address := unix.Sockaddr(&unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
		if family == unix.AF_UNIX {
			address = &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "s")}
		}
		fd, sa := listen(t, family, unix.SOCK_STREAM, address)
		p := serve(t, fd, "recv")
		l := New([]int{fd}, nil)
		defer l.Close()
		client := connect(t, family, unix.SOCK_STREAM, sa)
		works := func(w policy.Working) bool { return w.Works }
		_, err := unix.Write(client, []byte("half"))
		must(t, err)
		if family == unix.AF_INET {
			await(t, l, p.PID, works)
		}
		time.Sleep(300 * time.Millisecond)
		_, err = unix.Write(client, []byte("whole"))
		must(t, err)
		_, err = unix.Read(client, make([]byte, 6))
		must(t, err)
		_, err = unix.Write(client, []byte("compute"))
		must(t, err)
		began := time.Now()
		await(t, l, p.PID, func(w policy.Working) bool { return w.Works && w.For <= time.Since(began)+20*time.Millisecond })
	}
}

// TestWorksGone: a process that is not there has nothing to do, and what was known of
// others is forgotten.
func TestWorksGone(t *testing.T) {
	fd, sa := listen(t, unix.AF_INET, unix.SOCK_STREAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	p := serve(t, fd, "recv")
	l := New([]int{fd}, nil)
	defer l.Close()
	client := connect(t, unix.AF_INET, unix.SOCK_STREAM, sa)
	_, err := unix.Write(client, []byte("compute"))
	must(t, err)
	await(t, l, p.PID, func(w policy.Working) bool { return w.Works })
	if w := workOf(l, 1<<22); w != (policy.Working{Worker: 1 << 22}) || len(l.jobs) != 0 {
		t.Errorf("%+v, %d requests are remembered", w, len(l.jobs))
	}
}
