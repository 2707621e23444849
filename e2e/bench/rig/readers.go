package rig

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// readers is how many ask at the same time: fewer than availd has places for, and
// enough that none is late when an answer takes its 10 ms.
const readers = 30

// Readers ask a service for its status and its metrics in turn, at a steady pace.
type Readers struct {
	t       testing.TB
	path    string
	keep    bool
	stop    chan struct{}
	group   sync.WaitGroup
	begin   time.Time
	answers atomic.Int64
}

// Read starts readers that ask so many times a second between them. With keep
// each has one connection, else every question has.
func (a *Availd) Read(t testing.TB, pace int, keep bool) *Readers {
	r := &Readers{t: t, path: a.control, keep: keep, stop: make(chan struct{}), begin: time.Now()}
	for range readers {
		r.group.Go(func() { r.run(time.Second * readers / time.Duration(pace)) })
	}
	return r
}

// Stop ends them, and returns how many answers a second they got.
func (r *Readers) Stop() float64 {
	close(r.stop)
	r.group.Wait()
	return float64(r.answers.Load()) / time.Since(r.begin).Seconds()
}

func (r *Readers) run(period time.Duration) {
	turn := time.NewTicker(period)
	defer turn.Stop()
	var c net.Conn
	var answers *bufio.Reader
	for i := 0; ; i++ {
		select {
		case <-turn.C:
		case <-r.stop:
			if c != nil {
				c.Close()
			}
			return
		}
		var err error
		if c == nil {
			if c, err = net.Dial("unix", r.path); err != nil {
				r.t.Errorf("ask for the status: %v", err)
				return
			}
			answers = bufio.NewReader(c)
		}
		if err = r.ask(c, answers, []string{"/status", "/metrics"}[i%2]); err != nil {
			r.t.Errorf("ask for the status: %v", err)
			return
		}
		r.answers.Add(1)
		if !r.keep {
			c.Close()
			c = nil
		}
	}
}

func (r *Readers) ask(c net.Conn, answers *bufio.Reader, page string) error {
	_ = c.SetDeadline(time.Now().Add(harness.Patience))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: availd\r\n\r\n", page)
	resp, err := http.ReadResponse(answers, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", page, resp.Status)
	}
	return nil
}
