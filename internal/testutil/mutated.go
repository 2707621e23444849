package testutil

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// chunk is how many executions one source of random numbers makes: the goroutines share
// the chunks, so that which inputs there are does not depend on how many goroutines.
const chunk = 500

// hung is how long an execution may take, on the busiest machine.
const hung = time.Minute

// mutated calls a property with inputs that are made of seeds.
type mutated struct {
	call  reflect.Value
	seeds [][]any
	words []string // what the seeds are made of
	each  uint64   // executions of each seed
	seed  uint64
	dir   string // where an input that fails is written
	done  atomic.Uint64
}

func newMutated(call reflect.Value, seeds [][]any, executions, seed uint64) *mutated {
	each := (executions + uint64(len(seeds)) - 1) / max(uint64(len(seeds)), 1)
	return &mutated{call: call, seeds: seeds, words: dictionary(seeds), each: each, seed: seed}
}

// from makes the executions of the seed that is the place-th. Each goroutine has a test of
// its own, so that it is known whose input has failed.
func (s *mutated) from(t *testing.T, place int, args []reflect.Value) {
	var next atomic.Uint64
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	if s.each <= chunk {
		workers = 1
	}
	for w := range workers {
		wait.Go(func() {
			t.Run(strconv.Itoa(w), func(t *testing.T) {
				var now watched
				stop := make(chan struct{})
				defer close(stop)
				go s.watch(&now, stop)
				for !t.Failed() {
					n := next.Add(1) - 1
					if n*chunk >= s.each {
						return
					}
					s.chunk(t, rand.New(rand.NewPCG(s.seed, uint64(place)<<32|n)), args, min(chunk, s.each-n*chunk), &now)
				}
			})
		})
	}
	wait.Wait()
}

// chunk calls the property n times. What is made of a seed is every third time made of
// what was made before, so that changes add up.
func (s *mutated) chunk(t *testing.T, random *rand.Rand, seed []reflect.Value, n uint64, now *watched) {
	m := mutator{random: random, seeds: s.seeds, words: s.words}
	args := make([]reflect.Value, 1+len(seed))
	args[0] = reflect.ValueOf(t)
	last := seed
	ended := false
	defer func() { // the property failed and ended the goroutine, or it panics
		now.since.Store(0)
		if !ended {
			s.keep(t, last)
		}
	}()
	for i := range n {
		if i == 0 || random.IntN(3) != 0 {
			last = seed
		}
		last = m.mutate(last)
		copy(args[1:], last)
		now.input = last
		now.since.Store(time.Now().UnixNano())
		s.call.Call(args)
		s.done.Add(1)
		if t.Failed() {
			return
		}
	}
	ended = true
}

// keep writes the input down, where go test finds it from then on.
func (s *mutated) keep(t testing.TB, input []reflect.Value) {
	name, err := writeInput(s.dir, input)
	if err != nil {
		t.Errorf("the input that failed: %q: %v", values(input), err)
		return
	}
	t.Logf("AVAILD_FUZZ_SEED=%d; the input that failed is %s", s.seed, name)
}

// watch ends the process when an execution does not end: nothing else ends a goroutine.
func (s *mutated) watch(now *watched, stop <-chan struct{}) {
	for {
		select {
		case <-stop:
			return
		case <-time.After(hung / 4):
		}
		if since := now.since.Load(); since != 0 && time.Since(time.Unix(0, since)) > hung {
			name, err := writeInput(s.dir, now.input)
			panic(fmt.Sprintf("an execution does not end: %s (%v)", name, err))
		}
	}
}

// values are the arguments as they are written in messages.
func values(input []reflect.Value) (list []any) {
	for _, v := range input {
		list = append(list, v.Interface())
	}
	return list
}

// writeInput writes a file of Go's format into dir, under a name made of the content. It is
// there whole or not at all: another goroutine may be about to end the process.
func writeInput(dir string, input []reflect.Value) (string, error) {
	text := goFile(values(input))
	name := filepath.Join(dir, fmt.Sprintf("%016x", sum(text)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return name, err
	}
	part, err := os.CreateTemp(filepath.Dir(dir), "part")
	if err != nil {
		return name, err
	}
	defer part.Close()
	if _, err := part.WriteString(text); err != nil {
		return name, err
	}
	return name, os.Rename(part.Name(), name)
}
