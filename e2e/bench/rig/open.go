package rig

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Open is an open load, run by the program open: clients come at random, whether or not
// those before them are answered.
type Open struct {
	Program         string        // path of open
	To              string        // ADDRESS:PORT, or the path of a Unix socket
	Seed            int           // the same: the same arrivals and times
	Hold            time.Duration // the mean of what a request is to take
	Request, Answer string        // @@@@@ in the request becomes milliseconds
	Profile         []Segment
}

// Segment is a time in which the rate of arrivals (a second) goes from one value to another.
type Segment struct {
	For      time.Duration
	From, To float64
}

// Request is what became of one.
type Request struct {
	Arrival time.Duration // when it was to come, since the load's beginning
	Late    time.Duration // how much later the program had got to it
	Took    time.Duration // from its arrival to the end of its answer
	Hold    time.Duration // as long as it was to take
	OK      bool
}

// Wait is all that its time was longer than it was to be.
func (r Request) Wait() time.Duration { return max(0, r.Took-r.Hold) }

// Opened is an open load under way.
type Opened struct {
	Begin Moment // when its arrivals are counted from
	cmd   *exec.Cmd
	out   *bufio.Reader
	said  strings.Builder
}

// Start begins the load. The caller calls Wait.
func (o Open) Start(t testing.TB) *Opened {
	t.Helper()
	args := []string{o.To, fmt.Sprint(o.Seed), fmt.Sprint(o.Hold.Milliseconds()), o.Answer}
	for _, s := range o.Profile {
		args = append(args, fmt.Sprintf("%d:%g-%g", s.For.Milliseconds(), s.From, s.To))
	}
	running := &Opened{cmd: exec.CommandContext(t.Context(), o.Program, args...)}
	running.cmd.Stdin, running.cmd.Stderr = strings.NewReader(o.Request), &running.said
	running.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // as Load.Apart
	out, err := running.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	running.out = bufio.NewReader(out)
	if err := running.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fscanln(running.out, &running.Begin); err != nil {
		t.Fatalf("load %s: %v\n%s", o.To, err, running.said.String())
	}
	return running
}

// Wait waits for the end of the load, and returns its requests in the order of arrival.
func (o *Opened) Wait(t testing.TB) (all []Request) {
	t.Helper()
	for {
		var us [4]int64
		var ok int
		_, err := fmt.Fscanln(o.out, &us[0], &us[1], &us[2], &us[3], &ok)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("read what became of requests: %v", err)
		}
		all = append(all, Request{duration(us[0]), duration(us[1]), duration(us[2]), duration(us[3]), ok == 1})
	}
	if err := o.cmd.Wait(); err != nil {
		t.Fatalf("load: %v\n%s", err, o.said.String())
	}
	return all
}

func duration(us int64) time.Duration { return time.Duration(us) * time.Microsecond }

// Requests are several of an open load.
type Requests []Request

// Between are those that arrived from then to before then.
func (r Requests) Between(from, to time.Duration) (some Requests) {
	for _, one := range r {
		if one.Arrival >= from && one.Arrival < to {
			some = append(some, one)
		}
	}
	return some
}

// Failed counts those without a good answer.
func (r Requests) Failed() (n int) {
	for _, one := range r {
		if !one.OK {
			n++
		}
	}
	return n
}

// MeanWait is 0 of none.
func (r Requests) MeanWait() time.Duration {
	var sum time.Duration
	for _, one := range r {
		sum += one.Wait()
	}
	return sum / time.Duration(max(1, len(r)))
}

// Wait is what so many percent of them waited at most; with 100, all of them.
func (r Requests) Wait(percent float64) time.Duration {
	var waits []time.Duration
	for _, one := range r {
		waits = append(waits, one.Wait())
	}
	if len(waits) == 0 {
		return 0
	}
	slices.Sort(waits)
	return waits[min(int(percent/100*float64(len(waits))), len(waits)-1)]
}

// Waited reports whether all the time from one moment to the other some client waited,
// one after the other or at once; only those count that waited longer than that.
func (r Requests) Waited(from, to, longer time.Duration) bool {
	covered := from
	for _, one := range r { // in the order of arrival, so that what is not covered stays so
		if one.Arrival > covered || covered >= to {
			break
		}
		if one.Wait() > longer {
			covered = max(covered, one.Arrival+one.Wait())
		}
	}
	return covered >= to
}
