package control

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// exhausted is a listener of a process that has no descriptors left, for a while.
type exhausted struct {
	net.Listener
	fails int
}

func (e *exhausted) Accept() (net.Conn, error) {
	if e.fails--; e.fails < 0 {
		return nil, net.ErrClosed
	}
	return nil, unix.EMFILE
}

// TestNoDescriptors: accepting goes on when they are back, and does not spin
// until then.
func TestNoDescriptors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		l := limited(&exhausted{fails: 5})
		for range 2 {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("error %v", err)
			}
		}
		if took := time.Since(began); took != 5*acceptPause {
			t.Errorf("five failures took %v", took)
		}
		if n := len(l.(*limitListener).places); n != 0 {
			t.Errorf("%d places are kept", n)
		}
	})
}
