package activation

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/sockdiag"
)

// Names of descriptors that are not for workers.
const (
	ControlName  = "control" // availd's control socket
	StatusName   = "status"  // HTTP: /status and /metrics
	AgentName    = "agent"   // HAProxy agent-check
	StoredPrefix = "availd." // kept in systemd's descriptor store
)

// Set is everything that was handed over, each part in the order received.
type Set struct {
	Workers                []Socket
	Control, Status, Agent []Socket // stream listeners
	Stored                 []Stored // newest first, as systemd passes them
	// HandedOver: all this came from an earlier image of this process.
	HandedOver bool
	// Complaint says which names could not be used; "" = all could. The sockets are
	// served all the same.
	Complaint string
}

// Stored is a descriptor that came back from the store: a pidfd, a memfd, a
// socket. It was not looked at.
type Stored struct {
	FD   int // raw, close-on-exec, closed by the holder
	Name string
}

// Close closes every descriptor of the set.
func (s *Set) Close() {
	for _, list := range [][]Socket{s.Workers, s.Control, s.Status, s.Agent} {
		for _, socket := range list {
			_ = unix.Close(socket.FD)
		}
	}
	for _, stored := range s.Stored {
		_ = unix.Close(stored.FD)
	}
	*s = Set{}
}

// sortOut puts the received descriptors where their names say.
func sortOut(received []Stored) (Set, error) {
	var set Set
	for _, r := range received {
		if isStored(r.Name) {
			set.Stored = append(set.Stored, r)
			continue
		}
		socket, err := inspect(r.FD, r.Name)
		if err != nil {
			return Set{}, err
		}
		list := set.listFor(r.Name)
		if list != &set.Workers && socket.Kind != Stream {
			return Set{}, wrongKind(socket)
		}
		*list = append(*list, socket)
	}
	return set, nil
}

// isStored tells what came from the store by its name. That of a socket unit that
// says none of its own is the unit's, which may be availd.socket.
func isStored(name string) bool {
	return strings.HasPrefix(name, StoredPrefix) && !strings.HasSuffix(name, ".socket")
}

func (s *Set) listFor(name string) *[]Socket {
	switch name {
	case ControlName:
		return &s.Control
	case StatusName:
		return &s.Status
	case AgentName:
		return &s.Agent
	}
	return &s.Workers
}

func wrongKind(s Socket) error {
	return &Error{
		What: "socket " + s.Address + " is a " + s.Kind.String() + " socket, but its name makes it availd's own, which listens on streams",
		Line: "FileDescriptorName=" + s.Name,
		Hint: "use ListenStream= for it, or another name if it is meant for the workers",
	}
}

// Own makes the workers' sockets this process's own, as those of --listen are:
// a path is unlinked by Remove.
func (s *Set) Own() {
	for i := range s.Workers {
		if w := &s.Workers[i]; w.Family == unix.AF_UNIX && strings.HasPrefix(w.Address, "/") {
			w.Path, w.file = w.Address, sockdiag.FileOf(w.FD, w.Address)
		}
	}
}
