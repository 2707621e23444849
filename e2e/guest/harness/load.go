package harness

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Load is a closed loop of HTTP clients: each has one request under way at a
// time, on a connection of its own, and sends the next when it is answered.
type Load struct {
	URL     string
	Unix    string        // connect to this socket instead of the URL's host
	Clients int           // 0 is 1
	Timeout time.Duration // of one request from connect to the last byte; 0 is Patience
}

// Result sums up the requests of a Load. A request failed when it was refused,
// cut off, late, or answered with anything but 200.
type Result struct {
	OK, Failed int
	Slowest    time.Duration // of those answered
	Errors     []string      // the first few, for messages
	latencies  []time.Duration
}

// Running is a Load under way.
type Running struct {
	stop   context.CancelFunc
	group  sync.WaitGroup
	mu     sync.Mutex
	result Result
}

// For runs the load for a period.
func (l Load) For(period time.Duration) Result {
	ctx, cancel := context.WithTimeout(context.Background(), period)
	defer cancel()
	r := l.Start()
	<-ctx.Done()
	return r.Stop()
}

// Start begins; the caller calls Stop.
func (l Load) Start() *Running {
	ctx, cancel := context.WithCancel(context.Background())
	r := &Running{stop: cancel}
	for range max(1, l.Clients) {
		r.group.Go(func() {
			client := l.client()
			for ctx.Err() == nil {
				r.add(l.get(client))
			}
		})
	}
	return r
}

// Stop ends the load: requests under way are still waited for.
func (r *Running) Stop() Result {
	r.stop()
	r.group.Wait()
	slices.Sort(r.result.latencies)
	return r.result
}

// Done counts the requests that are over.
func (r *Running) Done() (ok, failed int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result.OK, r.result.Failed
}

// Get sends one request and returns the body.
func (l Load) Get() (string, error) {
	body, _, err := l.get(l.client())
	return body, err
}

func (l Load) client() *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	if l.Unix != "" {
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", l.Unix)
		}
	}
	timeout := l.Timeout
	if timeout == 0 {
		timeout = Patience
	}
	return &http.Client{Transport: transport, Timeout: timeout}
}

func (l Load) get(client *http.Client) (body string, took time.Duration, err error) {
	begin := time.Now()
	resp, err := client.Get(l.URL)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("get %s: %s", l.URL, resp.Status)
	}
	return string(text), time.Since(begin), err
}

func (r *Running) add(_ string, took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.result.Failed++
		if len(r.result.Errors) < 5 {
			r.result.Errors = append(r.result.Errors, err.Error())
		}
		return
	}
	r.result.OK++
	r.result.Slowest = max(r.result.Slowest, took)
	r.result.latencies = append(r.result.latencies, took)
}

// Percentile is the latency that so many percent of the answered requests did
// not exceed; 0 without any.
func (r Result) Percentile(percent float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	rank := int(percent / 100 * float64(len(r.latencies)))
	return r.latencies[min(rank, len(r.latencies)-1)]
}

func (r Result) String() string {
	text := fmt.Sprintf("ok %d, failed %d, p50 %v, p99 %v, slowest %v", r.OK, r.Failed,
		r.Percentile(50).Round(time.Microsecond), r.Percentile(99).Round(time.Microsecond), r.Slowest.Round(time.Microsecond))
	for _, e := range r.Errors {
		text += "\n  " + e
	}
	return text
}
