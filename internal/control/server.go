// Package control is how availd answers about itself: HTTP with GET /status,
// GET /history and GET /metrics for everybody who may connect, and a page for browsers,
// POST /reload, POST /set and POST /upgrade on control sockets, and HAProxy's agent-check on agent
// sockets. It also holds the client that availd's own subcommands use.
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
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
)

// Bounds on peers.
const (
	maxConns = 32 // of one socket
	patience = 5 * time.Second
	maxHead  = 4096 // bytes of a request's head; net/http adds 4096 to it
	maxLines = 4096 // bytes of what is to be set
)

// Service is what can be asked of the loop. The functions may be called from
// any goroutine.
type Service struct {
	Status func(context.Context) (status.Service, error)
	// Past is what it was like in the last hour and day.
	Past func(context.Context) (history.Document, error)
	// Reload returns when the workers are rolled over; the number is that of
	// the workers replaced.
	Reload func(context.Context) (int, error)
	// Set takes over lines of option=value, and returns when they are in force.
	Set func(ctx context.Context, lines string) (Change, error)
	// Upgrade returns when the installed binary was refused, or is about to
	// replace this one.
	Upgrade func(context.Context) error
}

// Server answers on any number of sockets.
type Server struct {
	service  Service
	now      *shared[*picture]
	past     *shared[*overview]
	patience time.Duration
}

// NewServer returns a Server that asks s.
func NewServer(s Service) *Server {
	server := &Server{service: s, patience: patience}
	server.now = newShared(askPeriod, func(ctx context.Context) (*picture, error) {
		state, err := s.Status(ctx)
		return newPicture(state), err
	})
	server.past = newShared(pastPeriod, func(ctx context.Context) (*overview, error) {
		p, err := server.now.get(ctx)
		if err != nil {
			return nil, err
		}
		d, err := s.Past(ctx)
		return newOverview(p, d), err
	})
	return server
}

// looks are what everybody may ask.
func (s *Server) looks() pages {
	return pages{
		"/": {http.MethodGet, s.page, wantsPage}, "/status": {http.MethodGet, s.status, nil}, "/history": {http.MethodGet, s.history, nil},
		"/metrics": {http.MethodGet, s.metrics, nil},
	}
}

// ServeControl answers on l, and allows requests that change something, until l
// is closed; it returns when the next place among the connections is free.
func (s *Server) ServeControl(l net.Listener) {
	p := s.looks()
	p["/reload"] = resource{http.MethodPost, s.reload, nil}
	p["/set"] = resource{http.MethodPost, s.set, nil}
	p["/upgrade"] = resource{http.MethodPost, s.upgrade, nil}
	s.serve(l, p)
}

// ServeStatus is ServeControl for those who may only look.
func (s *Server) ServeStatus(l net.Listener) {
	s.serve(l, s.looks())
}

func (s *Server) serve(l net.Listener, p pages) {
	server := &http.Server{
		Handler: p, ReadTimeout: s.patience, WriteTimeout: s.patience, IdleTimeout: s.patience,
		MaxHeaderBytes: maxHead,
	}
	_ = server.Serve(limited(l))
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	show(w, r, s.now, "application/json", func(p *picture) []byte { return p.json() })
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	show(w, r, s.past, "application/json", func(p *overview) []byte { return p.json() })
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	show(w, r, s.now, status.MetricsContentType, func(p *picture) []byte { return p.metrics() })
}

func show[T any](w http.ResponseWriter, r *http.Request, from *shared[T], kind string, form func(T) []byte) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	p, err := from.get(ctx)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	write(w, http.StatusOK, kind, form(p))
}

// Change is the answer to a request that changes something.
type Change struct {
	Replaced int `json:"replaced"`
	// Set are the options that were named, as they are now, and Warnings why a limit cannot
	// be reached.
	Set      []status.Set `json:"set,omitempty"`
	Warnings []string     `json:"warnings,omitempty"`
	Error    string       `json:"error,omitempty"`
}

func (s *Server) reload(w http.ResponseWriter, r *http.Request) {
	// A rolling restart lasts as long as the workers' starts; the peer waits for it.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	n, err := s.service.Reload(context.WithValue(r.Context(), originKey{}, originOf(r.Header)))
	answerChange(w, Change{Replaced: n}, err)
}

// set reads lines of option=value, as a configuration file has them.
func (s *Server) set(w http.ResponseWriter, r *http.Request) {
	lines, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxLines))
	if err != nil {
		http.Error(w, "lines of option=value are expected, at most "+strconv.Itoa(maxLines)+" bytes", http.StatusBadRequest)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	c, err := s.service.Set(ctx, string(lines))
	answerChange(w, c, err)
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
	text, _ := json.Marshal(c) // numbers and texts
	write(w, code, "application/json", append(text, '\n'))
}

func write(w http.ResponseWriter, code int, kind string, text []byte) {
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set(imageHeader, image)
	w.WriteHeader(code)
	_, _ = w.Write(text) // who has left does not read it
}
