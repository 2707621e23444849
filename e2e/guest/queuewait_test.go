//go:build e2e

package guest

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

const (
	// waitError is what a wait by TCP may be wrong by: a few milliseconds, and the time that a
	// busy kernel takes from the end of connect(2) to the socket of the other side.
	waitError = 150 * time.Millisecond
	// boundError is what the lower bound of a wait at a Unix socket may be too low by: the
	// time between two looks. That is half a second at most after short requests, and more
	// on a machine that has no time for it.
	boundError = 3 * time.Second
	// wrongLooks is the share of looks that may be wrong: the kernel's clock of connections
	// stands still while a virtual machine does not run.
	wrongLooks = 5
)

// TestQueueWait compares how long clients wait, as availd says, with what they see
// themselves: while they wait at a full pool, and when they are accepted.
func TestQueueWait(t *testing.T) {
	t.Parallel()
	port := harness.Port()
	path := filepath.Join(filesRoot, "queue-wait", "socket")
	s := pool{
		name: "queue-wait", port: port, listen: []string{"ListenStream=" + harness.Addr(port), "ListenStream=" + path},
		options: []string{"--limit=1"}, command: []string{filepath.Join(harness.Workers, "http-go")},
	}.install(t)
	t.Run("TCP", func(t *testing.T) { s.queueWait(t, 0, "tcp", s.addr) })
	t.Run("Unix", func(t *testing.T) { s.queueWait(t, 1, "unix", path) })
}

// queueWait has a client wait at that socket.
func (s *service) queueWait(t *testing.T, socket int, network, address string) {
	holder := s.waiter(t, "tcp", s.addr)
	fmt.Fprint(holder, "GET /sleep?ms=60000 HTTP/1.1\r\nHost: queue-wait\r\n\r\n")
	s.await("a full pool", full(1))
	counted, sum := s.waits(t)
	began := time.Now()
	client := s.waiter(t, network, address)
	connected := time.Now()
	looks, wrong, late := 0, 0, time.Duration(0)
	harness.WaitFor(t, "a wait of two seconds", harness.Patience, seldom(func() bool {
		asked := time.Now()
		sock := s.state().Sockets[socket]
		answered := time.Now()
		if sock.OldestWait == nil {
			t.Fatalf("a wait that is not known: %+v", sock)
		}
		wait := time.Duration(*sock.OldestWait * float64(time.Second))
		least, most := asked.Sub(connected)-waitError, answered.Sub(began)+waitError
		if network == "unix" {
			least, most = asked.Sub(connected)-boundError, answered.Sub(began)
		}
		late = max(late, asked.Sub(connected)-wait)
		if looks++; wait < least || wait > most {
			wrong++
			t.Logf("the client has waited for %v to %v, and availd says %v", asked.Sub(connected), answered.Sub(began), wait)
		}
		if sock.OldestBound != (network == "unix") {
			t.Errorf("a wait is a lower bound: %t", sock.OldestBound)
		}
		return wait > 2*time.Second
	}))
	if t.Logf("what availd says was up to %v too low", late); wrong*wrongLooks > looks {
		t.Errorf("%d of %d looks were wrong", wrong, looks)
	}
	if network == "tcp" {
		s.awaitLine("queue 1, oldest ")
	}
	lost := s.state().Counters.Abandoned
	s.waiter(t, network, address).Close()
	s.await("a client that has hung up", func(st status.Service) bool { return st.Counters.Abandoned == lost+1 })
	released := time.Now()
	holder.Close()
	fmt.Fprint(client, "GET / HTTP/1.0\r\n\r\n")
	if answer, err := http.ReadResponse(bufio.NewReader(client), nil); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("the client that has waited is not served: %v", err)
	}
	served := time.Now()
	// The other one hung up after all of that, so it has waited for less, and is counted,
	// too: when it is accepted.
	var n uint64
	var now time.Duration
	harness.WaitFor(t, "both waits to be counted", harness.Patience, seldom(func() bool {
		n, now = s.waits(t)
		return n >= counted+2
	}))
	least, most := released.Sub(connected)-waitError, 2*served.Sub(began)+2*waitError
	if network == "unix" { // at the latest look, which is a tenth of the wait ago at most
		least -= boundError + least/10
	}
	if n != counted+2 || now-sum < least || now-sum > most {
		t.Errorf("%d clients have waited for %v in all, want 2 and %v to %v", n-counted, now-sum, least, most)
	}
	t.Logf("%d looks; %v in all of %v", looks, now-sum, served.Sub(began))
}

func (s *service) waiter(t *testing.T, network, address string) net.Conn {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

var waitSeries = regexp.MustCompile(`(?m)^availd_queue_wait_seconds_(sum|count)\{[^}]*\} (\S+)$`)

// waits are the number and the sum of waits as the metrics have them.
func (s *service) waits(t *testing.T) (n uint64, sum time.Duration) {
	t.Helper()
	text := harness.MustRun(t, harness.Availd, "status", "--format=prometheus", s.Name)
	for _, m := range waitSeries.FindAllStringSubmatch(text, -1) {
		value, err := strconv.ParseFloat(m[2], 64)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(m[1], "s") {
			sum = time.Duration(value * float64(time.Second))
		} else {
			n = uint64(value)
		}
	}
	return n, sum
}
