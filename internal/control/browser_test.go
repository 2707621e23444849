package control

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/page"
	"github.com/availd/availd/internal/status"
)

// looked is a service with a past, which counts how often it is asked for that.
func looked(asked *atomic.Int64) Service {
	s := fixed(status.Service{Name: "web"})
	s.Past = func(context.Context) (history.Document, error) {
		asked.Add(1)
		return history.Document{Name: "web", Hour: history.Span{Step: 10}, Day: history.Span{Step: 300}}, nil
	}
	return s
}

// TestPage: a browser gets a page, with what it has to refuse, and everybody else what they
// got before there was one.
func TestPage(t *testing.T) {
	var asked atomic.Int64
	path := serving(t, looked(&asked), false, patience)
	for accept, isPage := range map[string]bool{
		"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": true, "Text/HTML; charset=utf-8": true, "application/json, text/html;q=0.5": true,
		"*/*": false, "": false, "text/plain": false, "text/html;q=0, */*": false, "text/htmlx": false,
	} {
		conn := dial(t, path)
		ask(t, conn, "GET /?refresh=30 HTTP/1.1\r\nAccept: "+accept+"\r\nX: x")
		resp := answerOf(t, conn)
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		h := resp.Header
		if h.Get("Vary") != "Accept" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%q: header %v", accept, h)
		}
		if !isPage {
			if resp.StatusCode != http.StatusNotFound || !strings.HasPrefix(string(text), "not found; this socket has GET ") {
				t.Errorf("%q gets %d and %.100q", accept, resp.StatusCode, text)
			}
			continue
		}
		for name, want := range map[string]string{
			"Content-Type": page.ContentType, "Content-Security-Policy": page.Policy(), "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Refresh": "30", "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := h.Get(name); got != want {
				t.Errorf("%q: %s is %q, want %q", accept, name, got, want)
			}
		}
		if resp.StatusCode != http.StatusOK || !strings.HasPrefix(string(text), "<!DOCTYPE html>") || !strings.Contains(string(text), "<h1>web</h1>") {
			t.Errorf("%q gets %d and %.100q", accept, resp.StatusCode, text)
		}
	}
	if asked.Load() == 0 {
		t.Error("nobody has asked for the past")
	}
}

// TestRefresh: what the query says, as far as that makes sense.
func TestRefresh(t *testing.T) {
	for query, want := range map[string]int{"": 10, "refresh=0": 0, "refresh=2": 2, "refresh=-1": 10, "refresh=99999999999": 10, "refresh=x": 10, "refresh=5;url=http://elsewhere": 10} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://availd/?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := refresh(r); got != want {
			t.Errorf("%s: %d, want %d", query, got, want)
		}
	}
}

// TestHistory: programs get it as JSON, and the client gets it back.
func TestHistory(t *testing.T) {
	var asked atomic.Int64
	d, err := Client{serving(t, looked(&asked), false, patience)}.History(t.Context())
	if err != nil || d.Name != "web" || d.Day.Step != 300 {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestHostileHistory: root draws the charts of other users.
func TestHostileHistory(t *testing.T) {
	const fine = `{"name":"web","hour":{"step_s":10,"covered_s":[1],C},"day":{"step_s":300}}`
	curves := func(v string) string {
		var all []string
		for _, name := range []string{"busy", "idle", "unknown", "starting", "retiring", "limit", "queue", "oldest_wait_s", "requests_per_s"} {
			all = append(all, `"`+name+`":{"min":[`+v+`],"mean":[`+v+`],"max":[`+v+`]}`)
		}
		return strings.ReplaceAll(fine, "C", strings.Join(all, ","))
	}
	answers := func(text string) Client {
		return hostile(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) })
	}
	if d, err := answers(curves("null")).History(t.Context()); err != nil || d.Hour.Len() != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	for _, text := range []string{
		curves("-1"), curves("1e30"), curves("1,2"), curves(""), curves("1e400"), `{}`, `[]`, strings.ReplaceAll(curves("1"), `"step_s":10`, `"step_s":-1`),
		strings.ReplaceAll(curves("1"), `"step_s":10`, `"step_s":1e300`),
		strings.ReplaceAll(`{"hour":{"step_s":1,"covered_s":[E]},"day":{"step_s":1}}`, "E", strings.TrimSuffix(strings.Repeat("1,", maxPoints+1), ",")),
	} {
		if d, err := answers(text).History(t.Context()); err == nil {
			t.Errorf("%.100s is taken for %+v", text, d)
		}
	}
	d, err := answers(strings.TrimSuffix(strings.ReplaceAll(curves("1"), `"web"`, `"\u001b[2J"`), "}") + `,"events":[{"text":"\u001b[2J"}]}`).History(t.Context())
	if err != nil || d.Name != "?[2J" || d.Events[0].Text != "?[2J" {
		t.Errorf("%q %+v %v", d.Name, d.Events, err)
	}
}
