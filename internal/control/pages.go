package control

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// page is what is at a path: one method, and HEAD where that is GET.
type page struct {
	method string
	serve  http.HandlerFunc
}

// pages are all that a socket has. Who asks for anything else is told what there
// is.
type pages map[string]page

func (p pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at, found := p[r.URL.Path]
	switch {
	case !found:
		http.Error(w, "not found; this socket has "+p.String(), http.StatusNotFound)
	case r.Method != at.method && (r.Method != http.MethodHead || at.method != http.MethodGet):
		w.Header().Set("Allow", at.method)
		http.Error(w, "method not allowed; this socket has "+p.String(), http.StatusMethodNotAllowed)
	default:
		at.serve(w, r)
	}
}

func (p pages) String() string {
	var all []string
	for _, path := range slices.Sorted(maps.Keys(p)) {
		all = append(all, p[path].method+" "+path)
	}
	return strings.Join(all, ", ")
}
