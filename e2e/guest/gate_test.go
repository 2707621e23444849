//go:build e2e

package guest

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// gate is a FIFO that the workers of slow wait at while it is there: each takes
// one byte before it goes on. It holds a rolling restart where a scenario wants it,
// however fast or slow the machine is.
type gate struct {
	path string
	end  *os.File
}

// shut puts the gate into the service's folder. Both ends are open here, so
// that no opening waits and no byte is lost (fifo(7)).
func (s *service) shut() *gate {
	s.t.Helper()
	path := filepath.Join(s.dir, gateName)
	if err := unix.Mkfifo(path, 0o666); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Chmod(path, 0o666); err != nil { // whatever the umask is
		s.t.Fatal(err)
	}
	end, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return &gate{path, end}
}

const gateName = "gate"

// pass lets so many workers through.
func (g *gate) pass(t *testing.T, n int) {
	t.Helper()
	if _, err := g.end.Write(make([]byte, n)); err != nil {
		t.Fatal(err)
	}
}

// open takes the gate away, for those that wait and those to come.
func (g *gate) open(t *testing.T) {
	t.Helper()
	if err := os.Remove(g.path); err != nil {
		t.Fatal(err)
	}
	g.pass(t, 1000)
	t.Cleanup(func() { g.end.Close() }) // what waits there has its own
}
