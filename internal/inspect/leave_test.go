package inspect

import (
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/policy"
)

// TestLeaves: who has been accepted and served between two looks, so that no connection is
// held at either, has left the queue, although as many wait as before or more. Of one that was
// reset by its client, and in whose place another has come, that cannot be told.
func TestLeaves(t *testing.T) {
	for _, test := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:0"},
		{"tcp6", "[::1]:0"},
		{"unix", filepath.Join(t.TempDir(), "a")},
	} {
		t.Run(test.network, func(t *testing.T) {
			l, file := listen(t, test.network, test.address)
			i := open(t, file)
			come := func() net.Conn {
				c, err := net.Dial(l.Addr().Network(), l.Addr().String())
				must(t, err)
				t.Cleanup(func() { _ = c.Close() })
				return c
			}
			looks := func(when string, want policy.Acceptance, waiting int) {
				t.Helper()
				var a *Answer
				for deadline := time.Now().Add(10 * time.Second); ; { // until the kernel lists who has come
					a = i.all()
					if a.Sockets[0] == policy.SomebodyAccepts || a.Queues[0].Waiting == waiting {
						break
					}
					if time.Now().After(deadline) {
						t.Fatalf("%s: %+v", when, a)
					}
				}
				if a.Sockets[0] != want {
					t.Fatalf("%s: %+v", when, a)
				}
			}
			serve := func() {
				c, err := l.Accept()
				must(t, err)
				must(t, c.Close())
			}
			i.all()
			come()
			serve()
			come()
			looks("one came and was served between two looks", policy.NobodySeen, 1)
			serve()
			looks("nobody waits", policy.SomebodyAccepts, 0)
			clients := []net.Conn{come(), come(), come()}
			for len(i.listeners[0].queue.now) < 3 { // until the kernel lists all
				i.all()
			}
			looks("nothing has happened", policy.NobodyAccepts, 3)
			serve()
			come()
			looks("as many wait", policy.SomebodyAccepts, 3)
			looks("that is told once", policy.NobodyAccepts, 3)
			serve()
			come()
			come()
			looks("more wait", policy.SomebodyAccepts, 4)
			if c, is := clients[2].(*net.TCPConn); is {
				for deadline := time.Now().Add(10 * time.Second); i.all().Queues[0].Oldest < 3*slack; { // its absence shows in the ages
					if time.Now().After(deadline) {
						t.Fatal("it does not get older")
					}
				}
				must(t, c.SetLinger(0))
				must(t, c.Close())
				come()
				looks("one that may have been the first is reset, and another comes", policy.NobodySeen, 4)
			}
			come()
			looks("one more comes", policy.NobodyAccepts, 5)
		})
	}
}
