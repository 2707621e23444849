package loop

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestLively: many turns near to each other make a lively loop, and one that is not
// ends that.
func TestLively(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	var p pace
	now := policy.Instant(time.Second)
	turns := func(n int, apart time.Duration) {
		for range n {
			p.turn(now, now+policy.Instant(apart))
			now += policy.Instant(apart)
		}
	}
	turns(manyNear-1, dozeFor-1)
	few := p.lively()
	turns(2, dozeFor-1)
	many := p.lively()
	turns(1, dozeFor)
	late := p.lively()
	turns(manyNear, 0)
	again := p.lively()
	runtime.GOMAXPROCS(1)
	if few || !many || late || !again || p.lively() {
		t.Errorf("lively after few %t, many %t, a late one %t, many again %t, on one processor %t", few, many, late, again, p.lively())
	}
}

// TestDozing: a lively wait finds what is ready, and keeps a deadline.
func TestDozing(t *testing.T) {
	e, b := rung(t)
	if found, err := e.wait(-1, true); err != nil || len(found) != 1 || kind(found[0].Pad) != kindBell {
		t.Errorf("found %v, %v, want the bell", found, err)
	}
	b.hush()
	const deadline = 4 * dozeFor
	began := time.Now()
	found, err := e.wait(deadline, true)
	if took := time.Since(began); err != nil || len(found) != 0 || took < deadline-dozeFor {
		t.Errorf("found %v, %v after %v", found, err, took)
	}
}

// rung is a set with a bell that has been rung.
func rung(t *testing.T) (*epoll, bell) {
	t.Helper()
	e, err := newEpoll()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.close() })
	b, err := newBell()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(b.fd) })
	if err := e.add(b.fd, unix.EPOLLIN, kindBell); err != nil {
		t.Fatal(err)
	}
	b.ring()
	return e, b
}

// TestDozeYields: a collection does not wait for one who dozes.
func TestDozeYields(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	e, b := rung(t)
	b.hush()
	dozing, awake := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(awake)
		close(dozing)
		_ = e.doze(time.Minute)
	}()
	<-dozing
	began := time.Now()
	for range 10 {
		runtime.GC()
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("ten collections took %v", took)
	}
	b.ring()
	<-awake
}
