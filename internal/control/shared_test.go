package control

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/availd/availd/internal/status"
)

// TestCrowdAsksOnce: whoever comes before the question is put shares its answer,
// and the questions keep their distance.
func TestCrowdAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []time.Time
		s := newShared(askPeriod, func(context.Context) (status.Service, error) {
			asked = append(asked, time.Now())
			return status.Service{MainPID: len(asked)}, nil
		})
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				for range 3 {
					if _, err := s.get(t.Context()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if len(asked) < 3 || len(asked) > 5 {
			t.Errorf("asked %d times for 3 waves of readers", len(asked))
		}
		for i := 1; i < len(asked); i++ {
			if gap := asked[i].Sub(asked[i-1]); gap < askPeriod {
				t.Errorf("asked again after %v", gap)
			}
		}
	})
}

// TestAnswerIsNotOlder: what was the case when the request came is in its answer.
func TestAnswerIsNotOlder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var is atomic.Int64
		s := newShared(askPeriod, func(context.Context) (status.Service, error) {
			n := is.Load()
			time.Sleep(time.Millisecond) // the loop is not always quick
			return status.Service{MainPID: int(n)}, nil
		})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				for range 20 {
					want := is.Add(1)
					p, err := s.get(t.Context())
					if err != nil || p.MainPID < int(want) {
						t.Errorf("answer of %d to a question at %d, error %v", p.MainPID, want, err)
					}
					time.Sleep(time.Duration(want%7) * time.Millisecond)
				}
			})
		}
		wg.Wait()
	})
}

// TestStuckLoop: every reader gets an error in time, and the loop gets no crowd
// of questions for when it comes back.
func TestStuckLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var questions atomic.Int64
		s := newShared(askPeriod, func(ctx context.Context) (status.Service, error) {
			questions.Add(1)
			<-ctx.Done()
			return status.Service{}, ctx.Err()
		})
		began := time.Now()
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() {
				if _, err := s.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("error %v", err)
				}
			}()
			time.Sleep(time.Millisecond)
		}
		time.Sleep(3 * patience)
		if n := questions.Load(); n > 3 {
			t.Errorf("%d questions in %v", n, time.Since(began))
		}
	})
}
