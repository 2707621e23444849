package testutil

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// shortRun is how many mutated inputs a fuzz target has in every run of the tests: some
// milliseconds for most.
const shortRun = 2000

// A Target is a fuzz target that is driven in two ways with the same property: by Go's own
// fuzzing (go test -fuzz), which is led by coverage, instruments what it runs, and makes some
// thousand executions a second; and, in every other run of the tests, by inputs that are
// made of its seeds without looking (mutate.go), ten to a hundred times as fast.
//
// The property is called by several goroutines at once. It keeps nothing of its input, and
// returns where it does not apply.
//
// AVAILD_FUZZ says how many executions there are, AVAILD_FUZZ_SEED which: by the same seed
// and number the same. AVAILD_FUZZ_CACHE is a folder with what Go's fuzzing has found
// interesting, which is used as seeds, too; with AVAILD_FUZZ_KEEP it is added to
// testdata/corpus, where it is in the tree.
type Target struct {
	*testing.F
	seeds [][]any
}

// Fuzz is how a fuzz target begins.
func Fuzz(f *testing.F) *Target {
	f.Helper()
	return &Target{F: f}
}

// Add adds a seed, as [testing.F.Add] does.
func (t *Target) Add(args ...any) {
	t.Helper()
	t.F.Add(args...)
	t.seeds = append(t.seeds, args)
}

// Fuzz runs property, which has the form that [testing.F.Fuzz] wants, with the seeds, what
// testdata has, and what is made of them.
func (t *Target) Fuzz(property any) {
	t.Helper()
	call := reflect.ValueOf(property)
	var kinds []reflect.Type
	for i := 1; i < call.Type().NumIn(); i++ {
		kinds = append(kinds, call.Type().In(i))
	}
	corpus := filepath.Join("testdata", "corpus", t.Name())
	for _, seed := range t.read(corpus, kinds) {
		t.Add(seed...)
	}
	if dir := os.Getenv("AVAILD_FUZZ_CACHE"); dir != "" {
		found := t.read(filepath.Join(dir, t.Name()), kinds)
		for _, seed := range found {
			t.Add(seed...)
		}
		if os.Getenv("AVAILD_FUZZ_KEEP") != "" {
			if err := keepSeeds(corpus, found); err != nil {
				t.Fatal(err)
			}
		}
	}
	if guided := flag.Lookup("test.fuzz"); guided != nil && guided.Value.String() != "" {
		t.F.Fuzz(property)
		return
	}
	found := t.read(filepath.Join("testdata", "fuzz", t.Name()), kinds) // Go reads these itself
	s := newMutated(call, append(found, t.seeds...), variable(t, "AVAILD_FUZZ", shortRun), variable(t, "AVAILD_FUZZ_SEED", 1))
	s.dir = filepath.Join("testdata", "fuzz", t.Name())
	begun := time.Now()
	place := 0
	t.F.Fuzz(reflect.MakeFunc(call.Type(), func(args []reflect.Value) []reflect.Value {
		call.Call(args)
		s.from(args[0].Interface().(*testing.T), place, args[1:])
		place++
		return nil
	}).Interface())
	took := time.Since(begun)
	t.Logf("%d executions in %.1f s, AVAILD_FUZZ_SEED=%d", s.done.Load(), took.Seconds(), s.seed)
}

// variable is the number in a variable of the environment, or other without it.
func variable(t *Target, name string, other uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return other
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// read reads the seeds of a file, one a line, or of all files of a folder in Go's format.
func (t *Target) read(path string, kinds []reflect.Type) [][]any {
	t.Helper()
	seeds, err := readSeeds(path, kinds)
	if err != nil {
		t.Fatal(fmt.Errorf("read seeds: %w", err))
	}
	return seeds
}

// watched is an execution that is under way: since when, in nanoseconds, or 0.
type watched struct {
	since atomic.Int64
	input []reflect.Value
}
