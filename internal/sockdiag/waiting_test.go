package sockdiag

import (
	"net"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// listen returns a listener that nobody accepts on, its inode number and its port.
func listen(t testing.TB, address string) (l *net.TCPListener, inode uint32, port uint16) {
	t.Helper()
	any, err := net.Listen("tcp", address)
	must(t, err)
	t.Cleanup(func() { any.Close() })
	l = any.(*net.TCPListener)
	raw, err := l.SyscallConn()
	must(t, err)
	var st unix.Stat_t
	must(t, raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) }))
	must(t, err)
	return l, uint32(st.Ino), uint16(l.Addr().(*net.TCPAddr).Port)
}

func dial(t testing.TB, address string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", address)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return c
}

func port(t testing.TB, c *Conn, family uint8, number uint16) (all []TCPConnection) {
	t.Helper()
	must(t, c.Port(family, number, func(one TCPConnection) { all = append(all, one) }))
	return all
}

// TestPort: who waits has no inode and the age of its wait, whatever the client has
// done since; who was accepted has one.
func TestPort(t *testing.T) {
	c := New()
	defer c.Close()
	for _, test := range []struct {
		listen, dial string
		family       uint8
	}{
		{"127.0.0.1:0", "127.0.0.1", unix.AF_INET},
		{"[::1]:0", "[::1]", unix.AF_INET6},
		{"[::]:0", "127.0.0.1", unix.AF_INET6},
	} {
		l, inode, number := listen(t, test.listen)
		_, where, _ := net.SplitHostPort(l.Addr().String())
		before := time.Now()
		first := dial(t, test.dial+":"+where)
		must2(first.Write([]byte("hello")))
		if all := port(t, c, test.family, number); len(all) != 1 || all[0].Inode != 0 {
			t.Fatalf("%s: one waits: %+v", test.listen, all)
		}
		for deadline := time.Now().Add(10 * time.Second); ; {
			all := port(t, c, test.family, number)
			if len(all) == 1 && all[0].Unsent >= 50*time.Millisecond {
				if since := time.Since(before); all[0].Unsent > since+10*time.Millisecond {
					t.Errorf("%s: it has waited for %v at most, and %v are told", test.listen, since, all[0].Unsent)
				}
				if want := netip.MustParseAddr(first.RemoteAddr().(*net.TCPAddr).IP.String()).Unmap(); all[0].Local != want {
					t.Errorf("%s: at %v, want %v", test.listen, all[0].Local, want)
				}
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: it does not get older: %+v", test.listen, all)
			}
		}
		must(t, first.(*net.TCPConn).CloseWrite())
		if all := port(t, c, test.family, number); len(all) != 1 || all[0].Inode != 0 || all[0].Unsent < 50*time.Millisecond {
			t.Errorf("%s: shut by its client, it waits on: %+v", test.listen, all)
		}
		accepted, err := l.Accept()
		must(t, err)
		if all := port(t, c, test.family, number); len(all) != 1 || all[0].Inode == 0 {
			t.Errorf("%s: accepted: %+v", test.listen, all)
		}
		must(t, accepted.Close())
		if all := port(t, c, test.family, number); len(all) != 0 {
			t.Errorf("%s: closed by the one who had accepted it, it does not wait: %+v", test.listen, all)
		}
		if known, err := c.Listens(test.family, number, inode); !known || err != nil {
			t.Errorf("%s: the listener is known: %t, %v", test.listen, known, err)
		}
		if known, err := c.Listens(test.family, number, inode+1); known || err != nil {
			t.Errorf("%s: another listener: %t, %v", test.listen, known, err)
		}
	}
}

func must2(_ any, err error) {
	if err != nil {
		panic(err)
	}
}

// BenchmarkPort is what a list of some connections costs.
func BenchmarkPort(b *testing.B) {
	for _, n := range []int{0, 100, 4000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			var limit unix.Rlimit
			if must(b, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)); limit.Cur < uint64(2*n) {
				b.Skip("too few descriptors")
			}
			l, _, number := listen(b, "127.0.0.1:0")
			for range n {
				dial(b, l.Addr().String())
			}
			c := New()
			defer c.Close()
			for b.Loop() {
				if all := port(b, c, unix.AF_INET, number); len(all) != n {
					b.Fatalf("%d of %d", len(all), n)
				}
			}
		})
	}
}
