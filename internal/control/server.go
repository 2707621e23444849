// Package control is how availd answers about itself: HTTP with GET /status and
// GET /metrics for everybody who may connect, POST /reload and POST /upgrade on
// control sockets, and HAProxy's agent-check on agent sockets. It also holds the
// client that availd's own subcommands use.
//
// It knows the service only as the functions in [Service]. Every connection has
// a goroutine, deadlines, and a place among a bounded number of its own socket,
// so that a crowd at one cannot shut the administrator out of another. A slow or
// hostile peer costs the loop nothing: the loop is asked at most a hundred times
// a second on behalf of all, its answer is a copy, and text is made of it here.
//
// # Diagnostics
//
// Nothing a peer does is an error here; it gets an HTTP status.
package control

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"time"

	"github.com/availd/availd/internal/metrics"
	"github.com/availd/availd/internal/status"
)

// Bounds on peers.
const (
	maxConns = 32 // of one socket
	patience = 5 * time.Second
	maxHead  = 4096 // bytes of a request's head; net/http adds 4096 to it
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

// Server answers on any number of sockets.
type Server struct {
	service  Service
	shared   *shared
	patience time.Duration
}

// NewServer returns a Server that asks s.
func NewServer(s Service) *Server {
	return &Server{service: s, shared: newShared(s.Status), patience: patience}
}

// ServeControl answers on l, and allows requests that change something, until l
// is closed; it returns when the next place among the connections is free.
func (s *Server) ServeControl(l net.Listener) {
	s.serve(l, pages{
		"/status": {http.MethodGet, s.status}, "/metrics": {http.MethodGet, s.metrics},
		"/reload": {http.MethodPost, s.reload}, "/upgrade": {http.MethodPost, s.upgrade},
	})
}

// ServeStatus is ServeControl for those who may only look.
func (s *Server) ServeStatus(l net.Listener) {
	s.serve(l, pages{"/status": {http.MethodGet, s.status}, "/metrics": {http.MethodGet, s.metrics}})
}

func (s *Server) serve(l net.Listener, p pages) {
	server := &http.Server{
		Handler: p, ReadTimeout: s.patience, WriteTimeout: s.patience, IdleTimeout: s.patience,
		MaxHeaderBytes: maxHead,
	}
	_ = server.Serve(limited(l))
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, "application/json", func(p *picture) []byte { return p.json() })
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	s.show(w, r, metrics.ContentType, func(p *picture) []byte { return p.metrics() })
}

func (s *Server) show(w http.ResponseWriter, r *http.Request, kind string, form func(*picture) []byte) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	p, err := s.shared.picture(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	answer(w, http.StatusOK, kind, form(p))
}

// Change is the answer to a request that changes something.
type Change struct {
	Replaced int    `json:"replaced"`
	Error    string `json:"error,omitempty"`
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	// A roll-out lasts as long as the workers' starts; the peer waits for it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	n, err := s.service.Reload(r.Context())
	answerChange(w, Change{Replaced: n}, err)
}

// upgrade answers when the new binary is refused. When it is not, this process
// may be replaced before the answer is written: the peer looks who answers next.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	answerChange(w, Change{}, s.service.Upgrade(r.Context()))
}

func answerChange(w http.ResponseWriter, c Change, err error) {
	code := http.StatusOK
	if err != nil {
		code, c = http.StatusConflict, Change{Error: err.Error()}
	}
	text, _ := json.Marshal(c) // a number and a text
	answer(w, code, "application/json", append(text, '\n'))
}

func answer(w http.ResponseWriter, code int, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set(imageHeader, image)
	w.WriteHeader(code)
	_, _ = w.Write(text) // who has left does not read it
}
