package nowait

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestAllowanceMoved: what is booked of a goroutine that the runtime has moved to another
// thread is what this process has used, not the time that passed: on a busy machine that is
// others'.
func TestAllowanceMoved(t *testing.T) {
	a := Allowance{Share: 100}
	before := timeOf(unix.CLOCK_PROCESS_CPUTIME_ID)
	began, end := make(chan struct{}), make(chan struct{})
	go func() { // its thread is kept, so that the other one is another
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		a.Begin()
		close(began)
		<-end
	}()
	<-began
	<-time.After(100 * time.Millisecond)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if unix.Gettid() == a.thread {
		t.Fatal("both are on one thread")
	}
	a.End()
	close(end)
	used, most := MostSaved-a.credit, timeOf(unix.CLOCK_PROCESS_CPUTIME_ID)-before
	if used < 0 || used > most {
		t.Errorf("%v are booked, and the process has used %v", used, most)
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
