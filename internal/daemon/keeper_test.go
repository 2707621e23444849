package daemon

import (
	"math"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// fill gives every number and flag of a record a value of its own, so that one
// that is left out somewhere, or swapped with another, shows.
func fill(v reflect.Value, next *int64) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), next)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), next)
		}
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		*next++
		v.SetInt(*next)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		*next++
		v.SetUint(uint64(*next))
	}
}

// TestRemember: what the policy remembers comes back from the state as it was.
func TestRemember(t *testing.T) {
	f, err := state.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d := &daemon{state: f, fingerprint: 77}
	var want policy.Memory
	var n int64
	fill(reflect.ValueOf(&want).Elem(), &n)
	want.Cause = policy.Action{Kind: policy.Throttle, Why: policy.BadEnd, End: policy.End{Code: 3, Signal: 11}}
	var tally loop.Tally
	fill(reflect.ValueOf(&tally).Elem(), &n)
	for i := range tally.Demand.Hours { // of the hours the one with the largest need is kept
		if newest := int(tally.Demand.Newest) % len(tally.Demand.Hours); i != newest {
			tally.Demand.Hours[i].Need = 0
		}
	}
	d.remember(want, tally)
	got, ok := f.Service()
	if !ok || tallyOf(got) != tally || got.Command != 77 {
		t.Errorf("%t %+v", ok, got)
	}
	if m := memoryOf(got); m != want {
		t.Errorf("remembered\n%+v, want\n%+v", m, want)
	}
}

// TestMark: so does what it knows of a worker.
func TestMark(t *testing.T) {
	var want policy.Entry
	var n int64
	fill(reflect.ValueOf(&want).Elem(), &n)
	r := state.Record{
		PID: want.ID, Generation: want.Generation, Started: int64(want.Started), Stress: want.Stress, Mark: markOf(want),
	}
	if got := entryOf(r); got != want {
		t.Errorf("marked\n%+v, want\n%+v", got, want)
	}
	if m := markOf(policy.Entry{Held: 1 << 20, Finished: math.MaxInt}); m.Held != 1<<16-1 || uint64(m.Finished) != min(math.MaxInt, 1<<32-1) {
		t.Errorf("what is too large is %+v", m)
	}
}

// TestStoreStart: the start time is written when the worker is known to live on,
// if the process is a child of ours.
func TestStoreStart(t *testing.T) {
	f, err := state.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	child := exec.Command("cat")
	in, err := child.StdinPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stat, _ := procfs.ReadStat(child.Process.Pid)
	d := &daemon{state: f}
	k := d.keeper()
	want := map[int]uint64{child.Process.Pid: stat.Start, os.Getppid(): 0}
	for pid := range want {
		slot, err := k.Intend(uint64(pid), 0, false)
		if err != nil {
			t.Fatal(err)
		}
		k.Started(slot, spawn.Process{PID: pid, FD: -1})
		k.Identify(slot, spawn.Process{PID: pid, FD: -1})
	}
	for _, r := range f.Records() {
		if start, ok := want[r.PID]; !ok || r.Start != start {
			t.Errorf("process %d is on record with start %d, want %d", r.PID, r.Start, start)
		}
	}
	_ = in.Close()
	if err := child.Wait(); err != nil || stat.Start == 0 || len(f.Records()) != len(want) {
		t.Errorf("%v, start %d, %d records", err, stat.Start, len(f.Records()))
	}
}
