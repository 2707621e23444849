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
	"syscall"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

// Client speaks to one service's control socket. That may be in the hands of the
// service's user, whom root need not trust: an answer is bounded in length, its
// numbers make sense, and its errors can be printed.
type Client struct{ Path string }

// maxAnswer is in bytes; a worker takes some 200. It is a variable so that tests
// need not send as many.
var maxAnswer int64 = 64 << 20

// Status asks for the state of the service.
func (c Client) Status(ctx context.Context) (status.Service, error) {
	s, _, err := c.status(ctx)
	return s, err
}

// status is Status, and tells which image answered.
func (c Client) status(ctx context.Context) (s status.Service, image string, err error) {
	if image, err = c.call(ctx, http.MethodGet, "/status", &s); err == nil {
		err = believe(&s)
	}
	return s, image, err
}

// History asks for what the service was like.
func (c Client) History(ctx context.Context) (d history.Document, err error) {
	if _, err = c.call(ctx, http.MethodGet, "/history", &d); err == nil {
		err = believePast(&d)
	}
	return d, err
}

// Metrics asks for the metrics in the text format of Prometheus.
func (c Client) Metrics(ctx context.Context) ([]byte, error) {
	var text []byte
	_, err := c.call(ctx, http.MethodGet, "/metrics", &text)
	return []byte(prose.PrintableLines(string(text))), err
}

// Reload asks for a reload and waits for its outcome: how many workers were
// replaced.
func (c Client) Reload(ctx context.Context) (int, error) { return c.ReloadFrom(ctx, Origin{}) }

// ReloadFrom is Reload, and tells where the command runs that asks.
func (c Client) ReloadFrom(ctx context.Context, o Origin) (int, error) {
	var ch Change
	if _, err := c.call(ctx, http.MethodPost, "/reload", &ch, o); err != nil {
		return 0, err
	}
	return ch.Replaced, ch.err()
}

// Set gives options other values, by lines of option=value.
func (c Client) Set(ctx context.Context, lines string) (Change, error) {
	var ch Change
	if _, err := c.send(ctx, "/set", lines, &ch); err != nil {
		return ch, err
	}
	ch.clean()
	return ch, ch.err()
}

// Upgrade asks for an upgrade in place and waits until another image of availd
// answers. It returns what that one says of itself.
func (c Client) Upgrade(ctx context.Context) (status.Service, error) {
	before, old, err := c.status(ctx)
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
		after, now, err := c.status(ctx)
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
	return errors.New(prose.Printable(c.Error))
}

// call returns the image that answered. What it says goes to to: as it is into a
// []byte, else as JSON.
func (c Client) call(ctx context.Context, method, path string, to any, origin ...Origin) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://availd"+path, nil)
	if err != nil {
		return "", err
	}
	for _, o := range origin {
		o.write(req.Header)
	}
	return c.ask(req, to)
}

// send is call with something to say.
func (c Client) send(ctx context.Context, path, body string, to any) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://availd"+path, strings.NewReader(body))
	if err != nil {
		return "", err
	}
	return c.ask(req, to)
}

// ErrNotFound: the availd that runs does not know of such a request, as it is an older one.
var ErrNotFound = errors.New("the running availd is of a version that does not know this request")

// ErrEnded: there was no whole answer, as whoever was to give it is gone. What was asked may
// have been done all the same.
var ErrEnded = errors.New("its availd has ended, or was upgraded, before it answered")

// ended makes ErrEnded of how the end of a connection looks from this side of it.
func ended(err error) error {
	for _, how := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, how) {
			return ErrEnded
		}
	}
	return err
}

func (c Client) ask(req *http.Request, to any) (string, error) {
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Path)
		},
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", ended(err)
	}
	answer := io.LimitReader(resp.Body, maxAnswer)
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode == http.StatusNotFound {
		return "", ErrNotFound
	}
	if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusConflict {
		text, _ := io.ReadAll(io.LimitReader(answer, 256))
		return "", errors.New(prose.Printable(resp.Status + ": " + strings.TrimSpace(string(text))))
	}
	if text, ok := to.(*[]byte); ok {
		*text, err = io.ReadAll(answer)
	} else {
		err = json.NewDecoder(answer).Decode(to)
	}
	return resp.Header.Get(imageHeader), ended(err)
}
