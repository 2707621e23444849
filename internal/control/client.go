package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/availd/availd/internal/status"
)

// Client speaks to one service's control socket.
type Client struct{ Path string }

// Status asks for the state of the service.
func (c Client) Status(ctx context.Context) (status.Service, error) {
	var s status.Service
	_, err := c.call(ctx, http.MethodGet, "/status", &s)
	return s, err
}

// Metrics asks for the metrics in the text format of Prometheus.
func (c Client) Metrics(ctx context.Context) ([]byte, error) {
	var text []byte
	_, err := c.call(ctx, http.MethodGet, "/metrics", &text)
	return text, err
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
	return errors.New(c.Error)
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
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
		return "", fmt.Errorf("%s: %s", resp.Status, bytes.TrimSpace(text))
	}
	if text, ok := to.(*[]byte); ok {
		*text, err = io.ReadAll(resp.Body)
	} else {
		err = json.NewDecoder(resp.Body).Decode(to)
	}
	return resp.Header.Get(imageHeader), err
}
