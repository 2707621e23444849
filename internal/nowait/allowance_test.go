package nowait

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAllowanceBooks: what is booked is what was used between Begin and End, and nothing that
// other goroutines use meanwhile, although whoever waits would be moved to another thread.
func TestAllowanceBooks(t *testing.T) {
	var end atomic.Bool
	defer end.Store(true)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for !end.Load() {
			}
		}()
	}
	before := timeOf(unix.CLOCK_PROCESS_CPUTIME_ID)
	a := Allowance{Share: 100}
	if !a.Begin() {
		t.Fatal("there is none at the beginning")
	}
	for begin := timeOf(unix.CLOCK_THREAD_CPUTIME_ID); timeOf(unix.CLOCK_THREAD_CPUTIME_ID)-begin < 2*time.Millisecond; {
	}
	for timeOf(unix.CLOCK_PROCESS_CPUTIME_ID)-before < 100*time.Millisecond {
		<-time.After(time.Millisecond)
	}
	a.End()
	if used := MostSaved - a.credit; used < 2*time.Millisecond || used > 50*time.Millisecond {
		t.Errorf("%v are booked of 2 ms and some waiting", used)
	}
}

// TestAllowanceRests: what is used up is there again after so many times as long.
func TestAllowanceRests(t *testing.T) {
	a := Allowance{Share: 100}
	if !a.Begin() || a.Rest() != 0 {
		t.Fatal("there is none at the beginning")
	}
	a.credit = -time.Millisecond
	if rest := a.Rest(); rest < 100*time.Millisecond || rest > 120*time.Millisecond {
		t.Errorf("a millisecond too much is over after %v", rest)
	}
	if a.Begin() {
		t.Error("it may begin before that")
	}
}
