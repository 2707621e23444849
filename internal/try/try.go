// Package try finds out how a program wants to be run: it starts the program in each way in
// which availd could, on a scratch socket, sends it a few clients, looks at what it does, and
// says which options of availd units go with that.
//
// A program is started by the hand-over of the protocol itself (package protocol), so that
// what works here works under availd. Every way is bounded in time, and all that the
// program has started is ended after each, also what went into the background: this process
// is its reaper (PR_SET_CHILD_SUBREAPER of prctl(2)).
//
// What was seen is data ([Seen]); what follows from it is a function without effects
// ([Advise]).
//
// # Diagnostics
//
// An error is the system's: no scratch directory, no socket. That a program cannot be
// executed, or works in no way, is an outcome.
//
// # Bugs
//
// A SIGKILL of this process leaves the program behind.
package try

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/protocol"
)

// Options are what is tried.
type Options struct {
	Path    string   // of the program, absolute
	Command []string // as it was given
	// Executable is availd itself, and Object the shared object of --preload, "" = there is
	// none to try.
	Executable, Object string
	Descriptors        unix.Rlimit // as spawn.Command has it
	// Patience is how long the program may take to be ready, in each way.
	Patience time.Duration
}

// Outcome is what was seen, in the order in which it was tried, and what follows.
type Outcome struct {
	Seen   []Seen `json:"seen"`
	Advice Advice `json:"advice"`
}

// ways are tried in this order, until one works. A program that accepts on descriptor 0
// sends its answer there too if that is a connection, so FastCGI comes first; and what
// finds no connection on its input may go into the background, as rsync does, so inetd
// comes before the listening socket on 3.
var ways = []*protocol.Protocol{protocol.FastCGI, protocol.Inetd, protocol.Notify}

// Run tries all ways until one works. An error of ctx ends it, with nothing left behind.
func Run(ctx context.Context, o Options) (Outcome, error) {
	s, err := newSandbox(o)
	if err != nil {
		return Outcome{}, err
	}
	defer s.close()
	var out Outcome
	list := ways
	if known := protocol.Of(append([]string{o.Path}, o.Command[1:]...)); known != nil && known.Protocol == protocol.Postfix {
		list = []*protocol.Protocol{protocol.Postfix} // it looks for its master, and complains in the log elsewhere
	}
	for _, way := range list {
		seen, err := s.try(ctx, way)
		if err != nil {
			return out, err
		}
		if ctx.Err() != nil {
			return out, context.Cause(ctx)
		}
		out.Seen = append(out.Seen, seen)
		if seen.works() || seen.Refused != "" {
			break
		}
	}
	out.Advice = Advise(out.Seen)
	if out.Advice.Protocol != nil && out.Advice.Protocol.Preloads && o.Object != "" {
		last := &out.Seen[len(out.Seen)-1]
		last.Preload = s.preload(ctx, out.Advice.Protocol, last)
		out.Advice = Advise(out.Seen)
	}
	return out, nil
}

// NameOf is a name for a service of the command: that of the program, or of its script.
func NameOf(command []string) string {
	name := filepath.Base(command[0])
	for _, word := range command[1:] {
		if filepath.IsAbs(word) && interpreter(name) {
			if info, err := os.Stat(word); err == nil && info.Mode().IsRegular() {
				name = filepath.Base(word)
				if dir := filepath.Base(filepath.Dir(word)); trimmed(name) == "worker" && dir != "/" {
					name = dir
				}
				break
			}
		}
	}
	return trimmed(name)
}

func trimmed(name string) string {
	for _, ending := range []string{".py", ".pl", ".rb", ".js", ".sh", ".php"} {
		if base := name[:max(0, len(name)-len(ending))]; base+ending == name && base != "" {
			return base
		}
	}
	return name
}

func interpreter(name string) bool {
	for _, known := range []string{"python", "perl", "ruby", "node", "php", "sh", "bash", "dash", "env"} {
		if len(name) >= len(known) && name[:len(known)] == known {
			return true
		}
	}
	return false
}

var errNoAnswer = errors.New("no answer")
