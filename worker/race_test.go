package worker

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

// Four workers on one socket, 500 connections, and a worker that is told to
// leave at every twentieth: each client is served, every worker ends well.
func TestServeLosesNothing(t *testing.T) {
	for _, mode := range []struct {
		name  string
		flags int
	}{{"blocking", 0}, {"non-blocking", syscall.SOCK_NONBLOCK}} {
		t.Run(mode.name, func(t *testing.T) {
			s := supervise(t, mode.flags)
			readyC, count := tally(s)
			var pool, left []*os.Process
			for range 4 {
				pool = append(pool, s.start("echo"))
				<-readyC
			}
			const connections, clients = 500, 8
			tokens := make(chan int)
			var done sync.WaitGroup
			for range clients {
				done.Go(func() {
					for range tokens {
						if err := visit(s.Address); err != nil {
							t.Errorf("a client was not served: %v", err)
						}
					}
				})
			}
			for i := range connections {
				if i%20 == 10 {
					s.Signal(pool[0], syscall.SIGTERM)
					left = append(left, pool[0])
					pool = append(pool[1:], s.start("echo"))
					<-readyC
				}
				tokens <- i
			}
			close(tokens)
			done.Wait()
			extra := retireAll(s, append(left, pool...), mode.flags == 0)
			sayLast(t, s.Path)
			got := <-count
			if got["X_AVAILD=busy"] != connections+extra || got["X_AVAILD=idle"] != connections+extra {
				t.Errorf("reports %v, want %d of busy and of idle", got, connections+extra)
			}
		})
	}
}

// visit is a client: it is served when all it said comes back.
func visit(address *net.TCPAddr) error {
	c, err := net.DialTCP("tcp", nil, address)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(testutil.Patience))
	fmt.Fprint(c, "hello")
	c.CloseWrite()
	got, err := io.ReadAll(c)
	if err == nil && !strings.HasSuffix(string(got), "\nhello") {
		err = fmt.Errorf("read %q", got)
	}
	return err
}

// retireAll ends all workers and returns how many connections that took. On a
// blocking socket those that lost a race leave with the next connection they
// get, so one is offered until all are gone.
func retireAll(s supervisor, workers []*os.Process, offer bool) int {
	for _, p := range workers {
		p.Signal(syscall.SIGTERM) // an error is one that has left already
	}
	goneC := make(chan struct{})
	go func() {
		defer close(goneC)
		for _, p := range workers {
			s.Exited(p)
		}
	}()
	if !offer {
		<-goneC
		return 0
	}
	for extra := 0; ; extra++ {
		c := s.Dial()
		servedC := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			servedC <- err
		}()
		select {
		case err := <-servedC:
			c.Close()
			if err != nil {
				s.T.Fatalf("an offered connection was not served: %v", err)
			}
		case <-goneC:
			c.Close()
			if <-servedC == nil {
				extra++
			}
			return extra
		}
	}
}

// lastReport comes after those of the workers: they are gone, and the socket is
// a queue. Closing it instead would throw away what nobody has read yet.
const lastReport = "X_TEST=last"

func sayLast(t *testing.T, path string) {
	t.Helper()
	r, err := NewReporter(path)
	if err != nil {
		t.Fatal(err)
	}
	r.send(lastReport)
	r.Close()
}

// tally counts the reports by text until the last, and passes on each READY=1:
// a process that is told to retire before it has come to catch the signal ends by
// it.
func tally(s supervisor) (<-chan struct{}, <-chan map[string]int) {
	readyC, result := make(chan struct{}, 1), make(chan map[string]int, 1)
	go func() {
		count := map[string]int{}
		buffer := make([]byte, MaxReport)
		for {
			n, err := s.Reports.Read(buffer)
			text := string(buffer[:n])
			if err != nil || text == lastReport {
				result <- count
				return
			}
			if count[text]++; text == "READY=1" {
				readyC <- struct{}{}
			}
		}
	}()
	return readyC, result
}
