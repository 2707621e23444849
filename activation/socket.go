package activation

import (
	"fmt"
	"strconv"

	"github.com/availd/availd/internal/sockdiag"
)

// Kind is how work arrives on a descriptor.
type Kind int

const (
	Stream    Kind = iota // a listening SOCK_STREAM socket
	SeqPacket             // a listening SOCK_SEQPACKET socket
	Datagram              // a SOCK_DGRAM socket
	FIFO                  // a named pipe
)

// String returns the word used in messages.
func (k Kind) String() string {
	switch k {
	case Stream:
		return "stream"
	case SeqPacket:
		return "seqpacket"
	case Datagram:
		return "datagram"
	case FIFO:
		return "FIFO"
	default:
		return "kind " + strconv.Itoa(int(k))
	}
}

// Socket is a descriptor on which work arrives.
type Socket struct {
	FD       int    // raw, close-on-exec, closed by the holder
	Name     string // FileDescriptorName=; "unknown" where there was none; "listenN" from Listen
	Kind     Kind
	Family   int           // AF_*; 0 for a FIFO
	Protocol string        // "tcp", "udp", "mptcp", "sctp", "unix", "vsock", "fifo", …
	Address  string        // "127.0.0.1:8080", "[::1]:25", "/run/x.sock", "@x", "vsock:3:22"
	Path     string        // to be unlinked at the last exit; only from Listen
	file     sockdiag.File // of Path
	Remote   bool          // reachable from other hosts: no loopback address, Unix socket or FIFO
}

// Remove unlinks the path of a socket that Listen made. A path that is gone, or another
// socket's by now, is fine; for all other sockets there is nothing to remove.
func (s Socket) Remove() error {
	if err := s.file.Remove(); err != nil {
		return fmt.Errorf("remove socket: %w", err)
	}
	return nil
}
