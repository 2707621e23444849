package control

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/page"
	"github.com/availd/availd/internal/status"
)

// The least time between two questions to the loop, whatever the number of those who want
// to know: it has workers to start. The answer about the past is larger, and more is made of
// it.
const (
	askPeriod  = 10 * time.Millisecond
	pastPeriod = 200 * time.Millisecond
)

// picture is what the service is like, in its forms, each made at most once and not by the
// loop.
type picture struct {
	state         status.Service
	json, metrics func() []byte
}

func newPicture(s status.Service) *picture {
	return &picture{
		state:   s,
		json:    sync.OnceValue(func() []byte { return document(s) }),
		metrics: sync.OnceValue(func() []byte { return status.Metrics(&s) }),
	}
}

// overview is what it was like, too.
type overview struct {
	json func() []byte
	html func() ([]byte, error)
}

func newOverview(p *picture, d history.Document) *overview {
	return &overview{
		json: sync.OnceValue(func() []byte { return document(d) }),
		html: sync.OnceValues(func() ([]byte, error) { return page.Render(&p.state, &d) }),
	}
}

// document is the JSON form of a status or a history.
func document(d any) []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic("control: a document has no JSON form: " + err.Error()) // it is plain data
	}
	return append(text, '\n')
}

// answer is that to one question.
type answer[T any] struct {
	done  chan struct{} // closed when the rest is there
	value T
	err   error
}

// shared asks on behalf of all peers. Whoever comes before a question is put
// gets its answer, so none is older than the request it answers.
type shared[T any] struct {
	ask    func(context.Context) (T, error)
	period time.Duration

	asking chan struct{} // has room while no question is waiting or put
	mu     sync.Mutex
	coming *answer[T] // to the question that is not put yet
	last   time.Time
}

func newShared[T any](period time.Duration, ask func(context.Context) (T, error)) *shared[T] {
	return &shared[T]{ask: ask, period: period, asking: make(chan struct{}, 1)}
}

// get returns an answer, or an error when ctx is over first.
func (s *shared[T]) get(ctx context.Context) (none T, err error) {
	s.mu.Lock()
	a := s.coming
	if a == nil {
		a = &answer[T]{done: make(chan struct{})}
		s.coming = a
		go s.fetch(a)
	}
	s.mu.Unlock()
	select {
	case <-a.done:
		return a.value, a.err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}

// fetch puts the question when it may be put. One that is not answered keeps the
// next from being put: a stuck loop is not flooded.
func (s *shared[T]) fetch(a *answer[T]) {
	s.asking <- struct{}{}
	defer func() { <-s.asking }()
	time.Sleep(time.Until(s.last.Add(s.period)))
	s.mu.Lock()
	s.coming = nil
	s.mu.Unlock()
	s.last = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a.value, a.err = s.ask(ctx)
	close(a.done)
}
