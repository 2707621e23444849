package control

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/availd/availd/internal/metrics"
	"github.com/availd/availd/internal/status"
)

// askPeriod is the least time between two questions to the loop, whatever the
// number of those who want to know: it has workers to start.
const askPeriod = 10 * time.Millisecond

// picture is the answer to one question, and its forms, each made at most once
// and not by the loop.
type picture struct {
	done  chan struct{} // closed when the rest is there
	state status.Service
	err   error

	json, metrics func() []byte
}

// shared asks on behalf of all peers. Whoever comes before a question is put
// gets its answer, so none is older than the request it answers.
type shared struct {
	ask func(context.Context) (status.Service, error)

	asking chan struct{} // has room while no question is waiting or put
	mu     sync.Mutex
	coming *picture // of the question that is not put yet
	last   time.Time
}

func newShared(ask func(context.Context) (status.Service, error)) *shared {
	return &shared{ask: ask, asking: make(chan struct{}, 1)}
}

// picture returns one, or an error when ctx is over first.
func (s *shared) picture(ctx context.Context) (*picture, error) {
	s.mu.Lock()
	p := s.coming
	if p == nil {
		p = &picture{done: make(chan struct{})}
		s.coming = p
		go s.fetch(p)
	}
	s.mu.Unlock()
	select {
	case <-p.done:
		return p, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fetch puts the question when it may be put. One that is not answered keeps the
// next from being put: a stuck loop is not flooded.
func (s *shared) fetch(p *picture) {
	s.asking <- struct{}{}
	defer func() { <-s.asking }()
	time.Sleep(time.Until(s.last.Add(askPeriod)))
	s.mu.Lock()
	s.coming = nil
	s.mu.Unlock()
	s.last = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	p.state, p.err = s.ask(ctx)
	p.json = sync.OnceValue(func() []byte {
		text, err := json.Marshal(p.state)
		if err != nil {
			panic("control: a status has no JSON form: " + err.Error()) // it is plain data
		}
		return append(text, '\n')
	})
	p.metrics = sync.OnceValue(func() []byte { return metrics.Text(&p.state) })
	close(p.done)
}
