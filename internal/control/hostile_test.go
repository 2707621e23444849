package control

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/prose"
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

// TestHostileNumbers: the numbers of an answer are calculated with, so they must be valid.
func TestHostileNumbers(t *testing.T) {
	for _, text := range []string{
		`{"busy":-1,"total":-1}`, `{"limit":9000000000000000000}`, `{"total":16777217,"busy":16777217}`, `{"idle":1e400}`, `[]`, `{"busy":1`,
		`{"limit":1,"total":0,"busy":5,"idle":5}`, `{"busy":1}`, `{"total":1}`, `{"limit":-1}`,
		`{"demand":{"peak":-1}}`, `{"demand":{"full_s":-1}}`, `{"demand":{"full_s":1e300}}`, `{"demand":{"advised_limit":-5}}`,
		`{"sockets":[{"queue":-1}]}`, `{"sockets":[{"queue":1,"backlog":9000000000000000000}]}`, `{"workers":[{"age_s":-1}]}`, `{"workers":[{"age_s":1e308}]}`,
		`{"workers":[{"age_s":NaN}]}`, strings.Repeat(`{"demand":`, 100_000), strings.Repeat(`[`, 10_000_000),
	} {
		c := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
		if s, err := c.Status(t.Context()); err == nil {
			t.Errorf("%.100s is taken for %+v", text, s)
		}
	}
}

// TestHostileWords: none of the texts of a document drives a terminal, in any format.
func TestHostileWords(t *testing.T) {
	const evil = `"\u001b]0;x\u009b\u202e` + "\x9b" + `"`
	text := strings.ReplaceAll(`{"name":E,"version":E,"unit":E,"protocol":E,"throttle_reason":E,"warnings":[E],`+
		`"sockets":[{"name":E,"address":E}],"workers":[{"state":E,"status":E}]}`, "E", evil)
	c := hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{
		s.Name, s.Version, *s.Unit, s.Protocol, *s.ThrottleReason, s.Warnings[0], s.Sockets[0].Name, s.Sockets[0].Address,
		s.Workers[0].State, s.Workers[0].Status,
	} {
		if got != prose.Printable(got) || len(got) < 5 {
			t.Errorf("%q is shown", got)
		}
	}
	long := hostile(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"name":"` + strings.Repeat("x", 1<<20) + `"}`))
	})
	if s, err := long.Status(t.Context()); err != nil || len(s.Name) > 5000 {
		t.Errorf("a name of %d bytes, %v", len(s.Name), err)
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
