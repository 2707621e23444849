package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/availd/availd/internal/columns"
	"github.com/availd/availd/internal/status"
)

// Client speaks to one service's control socket. That may be in the hands of the
// service's user, whom root need not trust: an answer is bounded in length, its
// numbers make sense, and its errors can be printed.
type Client struct{ Path string }

// maxNumber is more workers than Linux has pids.
const maxNumber = 1 << 24

// maxAnswer is in bytes; a worker takes some 200. It is a variable so that tests
// need not send as many.
var maxAnswer int64 = 64 << 20

// Status asks for the state of the service.
func (c Client) Status(ctx context.Context) (status.Service, error) {
	var s status.Service
	_, err := c.call(ctx, http.MethodGet, "/status", &s)
	if err == nil && !makesSense(s) {
		err = errors.New("the answer makes no sense")
	}
	return s, err
}

// makesSense: what is shown of s is reckoned with these.
func makesSense(s status.Service) bool {
	for _, n := range []int{s.Limit, s.Total, s.Starting, s.Idle, s.Busy, s.Retiring} {
		if n < 0 || n > maxNumber {
			return false
		}
	}
	return true
}

// Metrics asks for the metrics in the text format of Prometheus.
func (c Client) Metrics(ctx context.Context) ([]byte, error) {
	var text []byte
	_, err := c.call(ctx, http.MethodGet, "/metrics", &text)
	return []byte(columns.PrintableLines(string(text))), err
}

// Reload asks for a reload and waits for its outcome: how many workers were
// replaced.
func (c Client) Reload(ctx context.Context) (int, error) {
	var ch Change
	if _, err := c.call(ctx, http.MethodPost, "/reload", &ch); err != nil {
		return 0, err
	}
	return ch.Replaced, ch.err()
}

// Upgrade asks for an upgrade in place and waits until another image of availd
// answers. It returns what that one says of itself.
func (c Client) Upgrade(ctx context.Context) (status.Service, error) {
	var before, after status.Service
	old, err := c.call(ctx, http.MethodGet, "/status", &before)
	if err != nil {
		return before, err
	}
	var ch Change
	if _, err := c.call(ctx, http.MethodPost, "/upgrade", &ch); err == nil && ch.Error != "" {
		return before, ch.err()
	}
	// From here on the old image, if it still answers, has failed to exec; it
	// gets a moment to be gone.
	for {
		now, err := c.call(ctx, http.MethodGet, "/status", &after)
		if err == nil && now != old {
			return after, nil
		}
		select {
		case <-ctx.Done():
			return before, fmt.Errorf("no other image of availd answers: %w (see its journal)", ctx.Err())
		case <-time.After(upgradePoll):
		}
	}
}

// upgradePoll is the time between two looks for the new image.
const upgradePoll = 20 * time.Millisecond

func (c Change) err() error {
	if c.Error == "" {
		return nil
	}
	return errors.New(columns.Printable(c.Error))
}

// call returns the image that answered. What it says goes to to: as it is into a
// []byte, else as JSON.
func (c Client) call(ctx context.Context, method, path string, to any) (string, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Path)
		},
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://availd"+path, nil)
	if err != nil {
		return "", err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	answer := io.LimitReader(resp.Body, maxAnswer)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(io.LimitReader(answer, 256))
		return "", errors.New(columns.Printable(resp.Status + ": " + strings.TrimSpace(string(text))))
	}
	if text, ok := to.(*[]byte); ok {
		*text, err = io.ReadAll(answer)
	} else {
		err = json.NewDecoder(answer).Decode(to)
	}
	return resp.Header.Get(imageHeader), err
}
