// Package control is the socket on which availd answers about itself: HTTP with
// GET /status for everybody who may open it, and POST /reload and POST /upgrade
// on the control path. It also holds the client that availd's own subcommands
// use.
//
// It knows the service only as the functions in [Service]. Every connection has
// a goroutine, deadlines and a place among a bounded number, so a slow or
// hostile peer costs the loop nothing: the loop is asked once a request, and
// its answer is a copy.
//
// # Diagnostics
//
// Nothing a peer does is an error here; it gets an HTTP status.
package control

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// Bounds on peers.
const (
	maxConns = 32
	patience = 5 * time.Second
)

// Service is what can be asked of the loop. The functions may be called from
// any goroutine.
type Service struct {
	Status func(context.Context) (status.Service, error)
	// Reload returns when the workers are rolled over; the number is that of
	// the workers replaced.
	Reload func(context.Context) (int, error)
	// Upgrade returns when the installed binary was refused, or is about to
	// replace this one.
	Upgrade func(context.Context) error
}

// Listen opens the control socket at path. Only the service's own user and root
// may connect: who can reload can replace workers. A socket that is left over
// from an earlier availd of this service is replaced.
func Listen(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, err
	}
	return l, nil
}

// removeStale removes a socket that nobody listens on. Only a refusal proves
// that: one whose queue is full (EAGAIN) is alive.
func removeStale(path string) error {
	st, err := os.Lstat(path)
	if err != nil || st.Mode()&os.ModeSocket == 0 {
		return nil // absent, or net.Listen will say what is wrong
	}
	c, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	case err != nil:
		return err
	}
	_ = c.Close()
	return errors.New("listen on " + path + ": another availd answers there")
}

// Serve answers on l until l is closed, and returns when the next place among
// the connections is free. mayChange allows requests that change something.
func Serve(l net.Listener, s Service, mayChange bool) { serve(l, s, mayChange, patience) }

func serve(l net.Listener, s Service, mayChange bool, patience time.Duration) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /status", s.status)
	if mayChange {
		mux.HandleFunc("POST /reload", s.reload)
		mux.HandleFunc("POST /upgrade", s.upgrade)
	}
	server := &http.Server{
		Handler: mux, ReadTimeout: patience, WriteTimeout: patience, IdleTimeout: patience,
		MaxHeaderBytes: 4096,
	}
	_ = server.Serve(limited(l))
}

func (s Service) status(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	state, err := s.Status(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, http.StatusOK, state)
}

// Change is the answer to a request that changes something.
type Change struct {
	Replaced int    `json:"replaced"`
	Error    string `json:"error,omitempty"`
}

func (s Service) reload(w http.ResponseWriter, r *http.Request) {
	// A roll-out lasts as long as the workers' starts; the peer waits for it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	n, err := s.Reload(r.Context())
	if err != nil {
		answer(w, http.StatusConflict, Change{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, Change{Replaced: n})
}

// upgrade answers when the new binary is refused. When it is not, this process
// may be replaced before the answer is written: the peer looks who answers next.
func (s Service) upgrade(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	if err := s.Upgrade(r.Context()); err != nil {
		answer(w, http.StatusConflict, Change{Error: err.Error()})
		return
	}
	answer(w, http.StatusOK, Change{})
}

func answer(w http.ResponseWriter, code int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set(imageHeader, image)
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(v)
}
