package harness

import (
	"fmt"
	"sync/atomic"
)

// The machine's loopback is its own, so that ports need not be looked for;
// these are below those that the kernel gives to clients, ip(7).
var lastPort atomic.Int32

func init() { lastPort.Store(8000) }

// Port returns a TCP port that no other test of this run has.
func Port() int { return int(lastPort.Add(1)) }

// Addr is 127.0.0.1 with the port, as ListenStream= and net.Dial take it.
func Addr(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }
