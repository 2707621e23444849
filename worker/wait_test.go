package worker

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

// TestOneIsWoken: of many that wait for a socket each connection wakes one. Who is
// woken does not accept here, so with a set that wakes all, all would come back.
func TestOneIsWoken(t *testing.T) {
	const idle, connections = 20, 10
	fd, address := testutil.ListenTCP(t, syscall.SOCK_NONBLOCK)
	wokenC := make(chan int, idle)
	var waiters []*waiter
	var waiting sync.WaitGroup
	for range idle {
		w, err := newWaiter(fd)
		if err != nil {
			t.Fatal(err)
		}
		waiters = append(waiters, w)
		waiting.Go(func() {
			got, err := w.wait()
			if err != nil {
				t.Errorf("wait: %v", err)
			}
			wokenC <- got
		})
	}
	asleep(t, waiters)
	for n := range connections {
		c, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		select {
		case got := <-wokenC:
			if got != fd {
				t.Fatalf("woken for %d, want %d", got, fd)
			}
		case <-time.After(testutil.Patience):
			t.Fatalf("nobody was woken by connection %d", n)
		}
	}
	// A last connection is as good as a pause: whoever was woken for an earlier one
	// without need has come back before its waker.
	if n := len(wokenC); n != 0 {
		t.Errorf("%d more were woken than connections came", n)
	}
	for _, w := range waiters {
		w.end()
	}
	waiting.Wait()
	for _, w := range waiters {
		w.close()
	}
}

// TestTurns: who was woken first long ago goes to the end of the line, so that none is left
// out although one would do; who was woken a moment ago is woken again.
func TestTurns(t *testing.T) {
	const waiters, rounds = 3, 4
	served := serveInTurn(t, waiters, waiters*rounds, -turnLeast)
	for n, times := range served {
		if times != rounds {
			t.Errorf("waiter %d served %d of %d connections, want %d", n, times, waiters*rounds, rounds)
		}
	}
	served = serveInTurn(t, waiters, waiters*rounds, time.Hour)
	if slices.Max(served) != waiters*rounds {
		t.Errorf("%v were served, all within a moment", served)
	}
}

// serveInTurn has waiters serve one connection after the other, each as if its first one had
// been at that time from now, and returns how many each has served.
func serveInTurn(t *testing.T, waiters, connections int, first time.Duration) []int {
	t.Helper()
	fd, address := testutil.ListenTCP(t, syscall.SOCK_NONBLOCK)
	servedC := make(chan int)
	var all []*waiter
	var waiting sync.WaitGroup
	for n := range waiters {
		w := mustWaiter(t, fd)
		all = append(all, w)
		waiting.Go(func() {
			for {
				got, err := w.wait()
				if err != nil {
					t.Errorf("wait: %v", err)
				}
				if got < 0 {
					return
				}
				if c, _, err := syscall.Accept(got); err == nil {
					syscall.Close(c)
					w.mu.Lock()
					w.taken = time.Now().Add(first)
					w.mu.Unlock()
					servedC <- n
				}
			}
		})
	}
	served := make([]int, waiters)
	for range connections {
		asleep(t, all)
		c, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		served[receive(t, servedC)]++
		c.Close()
	}
	for _, w := range all {
		w.end()
	}
	waiting.Wait()
	for _, w := range all {
		w.close()
	}
	return served
}

// TestEndLooksOnceMore: a waiter that ends in the moment of a connection is given it,
// as nobody else is woken for it.
func TestEndLooksOnceMore(t *testing.T) {
	for range 50 {
		fd, address := testutil.ListenTCP(t, syscall.SOCK_NONBLOCK)
		leaves, stays := mustWaiter(t, fd), mustWaiter(t, fd)
		results := make(chan int, 2)
		for _, w := range []*waiter{leaves, stays} {
			go func() {
				got, err := w.wait()
				if err != nil {
					t.Errorf("wait: %v", err)
				}
				results <- got
			}()
		}
		asleep(t, []*waiter{leaves, stays})
		go leaves.end()
		c, err := net.Dial("tcp", address.String())
		if err != nil {
			t.Fatal(err)
		}
		// If the one that left looked before the connection was there, it is the other's.
		if first := receive(t, results); first != fd && receive(t, results) != fd {
			t.Fatal("nobody was given the connection")
		} else if first == fd {
			stays.end()
			leaves.end()
			receive(t, results)
		}
		stays.end()
		leaves.close()
		stays.close()
		c.Close()
	}
}

func receive(t *testing.T, results <-chan int) int {
	t.Helper()
	select {
	case got := <-results:
		return got
	case <-time.After(testutil.Patience):
		t.Fatal("nobody was woken for the connection")
		return -1
	}
}

func mustWaiter(t *testing.T, fd int) *waiter {
	t.Helper()
	w, err := newWaiter(fd)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// asleep waits until a thread of this process is inside a system call on the set of
// each waiter: until then a connection may find nobody to wake.
func asleep(t *testing.T, waiters []*waiter) {
	t.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for until := time.Now().Add(testutil.Patience); !allWait(waiters); <-look.C {
		if time.Now().After(until) {
			t.Fatalf("%d waiters do not all wait", len(waiters))
		}
	}
}

// allWait reads which call each thread is in, and its first argument
// (/proc/PID/syscall of proc(5)).
func allWait(waiters []*waiter) bool {
	in := map[string]bool{}
	calls, _ := filepath.Glob("/proc/self/task/*/syscall")
	for _, name := range calls {
		text, _ := os.ReadFile(name)
		if fields := strings.Fields(string(text)); len(fields) > 1 {
			in[fields[1]] = true
		}
	}
	for _, w := range waiters {
		if !in[fmt.Sprintf("%#x", w.epoll)] {
			return false
		}
	}
	return true
}
