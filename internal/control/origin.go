package control

import (
	"context"
	"net/http"
	"net/url"
	"os"
)

// Origin is where the command runs that asks for a reload. systemd runs ExecReload= in
// the working directory of the service, whose path it looks up anew: the command is in
// the new directory where a link on the way was moved, and the service is not.
type Origin struct {
	// Invocation is INVOCATION_ID of systemd.exec(5), "" = the command is not of a
	// unit. Only the service whose own it is may take the directory for its own.
	Invocation string
	Directory  string
}

// OwnOrigin is that of this process.
func OwnOrigin() Origin {
	dir, err := os.Getwd()
	if err != nil {
		return Origin{}
	}
	return Origin{os.Getenv("INVOCATION_ID"), dir}
}

// Headers of a request that tell its origin.
const (
	headerInvocation = "Availd-Invocation"
	headerDirectory  = "Availd-Directory" // as in an URL
)

func (o Origin) write(h http.Header) {
	if o.Invocation != "" {
		h.Set(headerInvocation, o.Invocation)
		h.Set(headerDirectory, url.PathEscape(o.Directory))
	}
}

func originOf(h http.Header) Origin {
	dir, err := url.PathUnescape(h.Get(headerDirectory))
	if err != nil {
		return Origin{}
	}
	return Origin{h.Get(headerInvocation), dir}
}

type originKey struct{}

// OriginFrom is the origin of the request that Service.Reload was called for.
func OriginFrom(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
