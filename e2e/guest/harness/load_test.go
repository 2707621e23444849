package harness

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestLoad(t *testing.T) {
	var mu sync.Mutex
	conns, served, now, most := map[string]bool{}, 0, 0, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		conns[r.RemoteAddr] = true
		served++
		now++
		most = max(most, now)
		n := served
		mu.Unlock()
		defer func() { mu.Lock(); now--; mu.Unlock() }()
		switch n % 10 {
		case 3:
			http.Error(w, "no", http.StatusServiceUnavailable)
		case 7:
			panic(http.ErrAbortHandler) // the connection is cut
		}
	}))
	defer server.Close()
	running := Load{URL: server.URL, Clients: 3}.Start()
	WaitFor(t, "100 requests", Patience, func() bool { ok, failed := running.Done(); return ok+failed >= 100 })
	got := running.Stop()
	mu.Lock()
	defer mu.Unlock()
	if got.OK+got.Failed != served || got.Failed < served/10*2 || got.Failed > served/10*2+2 {
		t.Errorf("%v; the server saw %d requests", got, served)
	}
	if len(conns) != served || most > 3 {
		t.Errorf("%d connections for %d requests, %d at once; want one each, at most 3", len(conns), served, most)
	}
	if got.Percentile(50) <= 0 || got.Percentile(50) > got.Percentile(99) || got.Percentile(100) != got.Slowest {
		t.Errorf("%v: percentiles are out of order", got)
	}
	if len(got.Errors) != 5 || !strings.Contains(strings.Join(got.Errors, "\n"), "503") {
		t.Errorf("errors %q: want five, one of them a 503", got.Errors)
	}
}

func TestLoadUnixFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int32
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = w.Write([]byte("hello"))
	})}
	go func() { _ = server.Serve(listener) }()
	defer server.Close()
	load := Load{URL: "http://unit/", Unix: path}
	if body, err := load.Get(); body != "hello" || err != nil {
		t.Errorf("got %q, %v", body, err)
	}
	begin := time.Now()
	got := load.For(50 * time.Millisecond)
	if took := time.Since(begin); took < 50*time.Millisecond || got.Failed != 0 || got.OK+1 != int(served.Load()) {
		t.Errorf("%v in %v; the server saw %d", got, took, served.Load()-1)
	}
	listener.Close()
	if got := (Load{URL: "http://unit/", Unix: path, Clients: 2}).For(10 * time.Millisecond); got.OK != 0 || got.Failed == 0 {
		t.Errorf("%v without a server", got)
	}
}
