package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/availd/availd/internal/status"
)

// Client speaks to one service's control socket.
type Client struct{ Path string }

// Status asks for the state of the service.
func (c Client) Status(ctx context.Context) (status.Service, error) {
	var s status.Service
	err := c.call(ctx, http.MethodGet, "/status", &s)
	return s, err
}

// Reload asks for a reload and waits for its outcome: how many workers were
// replaced.
func (c Client) Reload(ctx context.Context) (int, error) {
	var ch Change
	if err := c.call(ctx, http.MethodPost, "/reload", &ch); err != nil {
		return 0, err
	}
	if ch.Error != "" {
		return 0, errors.New(ch.Error)
	}
	return ch.Replaced, nil
}

func (c Client) call(ctx context.Context, method, path string, to any) error {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Path)
		},
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://availd"+path, nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 256))
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	return json.NewDecoder(resp.Body).Decode(to)
}
