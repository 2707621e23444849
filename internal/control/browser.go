package control

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/page"
)

// This file answers browsers. They are told by what they accept: a program that asks for
// the root, and takes anything, learns what the socket has, as before.

// wantsPage reports whether a request accepts HTML by name.
func wantsPage(r *http.Request) bool {
	for _, accept := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(accept, ",") {
			kind, parameters, _ := strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(kind), "text/html") && strings.ReplaceAll(parameters, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}

// Seconds after which a browser asks again, unless the query says otherwise.
const (
	refreshDefault = 10
	refreshMost    = 3600
)

// refresh is what the query says: refresh=0 is never, and what makes no sense is the
// default.
func refresh(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("refresh"))
	if err != nil || n < 0 || n > refreshMost {
		return refreshDefault
	}
	return n
}

// page answers a browser. It asks again by itself, also after an answer that says that there
// is none, such as that of a loop which is stuck for a moment.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", page.Policy())
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY") // for those that do not know frame-ancestors
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if n := refresh(r); n > 0 {
		h.Set("Refresh", strconv.Itoa(n))
	}
	show(w, r, s.past, page.ContentType, (*overview).page)
}

func (p *overview) page() []byte {
	text, err := p.html()
	if err != nil {
		panic("control: a page cannot be made: " + err.Error()) // it is made in memory
	}
	return text
}
