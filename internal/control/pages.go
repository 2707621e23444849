package control

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// resource is what is at a path: one method, and HEAD where that is GET.
type resource struct {
	method string
	serve  http.HandlerFunc
	isFor  func(*http.Request) bool // others find nothing there; nil = it is for all
}

// crossOrigin refuses requests that would change something where a page of another site has
// made a browser send them, which may be able to connect where that site is not.
var crossOrigin http.CrossOriginProtection

// pages are all that a socket has. Who asks for anything else is told what there
// is.
type pages map[string]resource

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, found := p[r.URL.Path]
	if at.isFor != nil {
		w.Header().Set("Vary", "Accept")
	}
	switch {
	case !found || at.isFor != nil && !at.isFor(r):
		http.Error(w, "not found; this socket has "+p.String(), http.StatusNotFound)
	case r.Method != at.method && (r.Method != http.MethodHead || at.method != http.MethodGet):
		w.Header().Set("Allow", at.method)
		http.Error(w, "method not allowed; this socket has "+p.String(), http.StatusMethodNotAllowed)
	case crossOrigin.Check(r) != nil:
		http.Error(w, "another site has made this browser ask; nothing is changed", http.StatusForbidden)
	default:
		at.serve(w, r)
	}
}

func (p pages) String() string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(p)) {
		text := p[path].method + " " + path
		if p[path].isFor != nil {
			text += " (for browsers)"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}
