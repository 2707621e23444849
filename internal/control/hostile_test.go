package control

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// hostile serves what a service's user may put in availd's place.
func hostile(t *testing.T, h http.HandlerFunc) Client {
	t.Helper()
	path := filepath.Join(t.TempDir(), "control")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return Client{Path: path}
}

// TestHostileNumbers: what is shown is reckoned with the numbers of the answer.
func TestHostileNumbers(t *testing.T) {
	for _, text := range []string{`{"busy":-1}`, `{"limit":9000000000000000000}`, `{"total":16777217}`, `{"idle":1e400}`, `[]`, `{"busy":1`} {
		c := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		if s, err := c.Status(t.Context()); err == nil {
			t.Errorf("%s is taken for %+v", text, s)
		}
	}
}

// TestHostileText: errors and metrics go to the terminal of root.
func TestHostileText(t *testing.T) {
	c := hostile(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/metrics":
			_, _ = w.Write([]byte("a 1\n\x1b]0;owned\a\n"))
		case "/reload":
			w.WriteHeader(http.StatusConflict)
			_, _ = w.Write([]byte(`{"error":"no\u001b[2J\u009b"}`))
		default:
			http.Error(w, "no\x1b[2J", http.StatusTeapot)
		}
	})
	if text, err := c.Metrics(t.Context()); err != nil || string(text) != "a 1\n?]0;owned?\n" {
		t.Errorf("metrics: %q, %v", text, err)
	}
	if _, err := c.Reload(t.Context()); err == nil || err.Error() != "no?[2J?" {
		t.Errorf("reload: %v", err)
	}
	if _, err := c.Status(t.Context()); err == nil || err.Error() != "418 I'm a teapot: no?[2J" {
		t.Errorf("status: %v", err)
	}
}

// TestHostileLength: an answer without an end costs bounded memory.
func TestHostileLength(t *testing.T) {
	most := maxAnswer
	maxAnswer = 1 << 20
	defer func() { maxAnswer = most }()
	endless := func(start string) Client {
		return hostile(t, func(w http.ResponseWriter, r *http.Request) {
			_, err := w.Write([]byte(start))
			for more := []byte(strings.Repeat("x", 1<<12)); err == nil; {
				_, err = w.Write(more)
			}
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := endless(`{"name":"`).Status(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("status: %v", err)
	}
	if text, err := endless("a 1\n").Metrics(ctx); err != nil || int64(len(text)) != maxAnswer {
		t.Errorf("metrics: %d bytes, %v", len(text), err)
	}
}
