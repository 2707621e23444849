package spawn

import (
	"os"
	"os/signal"
	"runtime"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestStorm starts workers while the collector runs without a pause, goroutines
// come and go, and signals rain on every thread: the child shares all this
// memory, and must neither run a handler nor disturb its parent. AVAILD_STORM
// makes it last longer.
func TestStorm(t *testing.T) {
	length := time.Second
	if text := os.Getenv("AVAILD_STORM"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	all(t, func(t *testing.T) {
		var storm sync.WaitGroup
		over := make(chan struct{})
		defer storm.Wait()
		defer close(over)
		for _, weather := range []func(){collect, deepen, knock} {
			storm.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
						weather()
					}
				}
			})
		}
		heard := make(chan os.Signal, 1)
		signal.Notify(heard, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH)
		defer signal.Stop(heard)
		starts := 0
		c := stormCommand()
		for end := time.Now().Add(length); time.Now().Before(end); starts++ {
			stormStart(t, c)
		}
		t.Logf("starts: %d", starts)
	})
}

// stormCommand checks what its start had to tell it.
func stormCommand() *Command {
	return &Command{Path: "/bin/sh", Args: []string{"-c", `[ "$LISTEN_PID" = $$ ] && [ "$WATCHDOG_PID" = $$ ] && [ "$AVAILD_GENERATION" = 77 ]`}}
}

func stormStart(t *testing.T, c *Command) {
	h := Handover{Files: standard.Files, PIDs: []string{"LISTEN_PID", "WATCHDOG_PID"}}
	p, err := c.Start(77, false, h)
	if err != nil {
		t.Fatal(err)
	}
	if end := await(t, p); end != (policy.End{}) {
		t.Fatalf("worker %d ended with %+v", p.PID, end)
	}
}

// collect makes the collector move through all phases, and returns memory.
func collect() {
	garbage := make([][]byte, 64)
	for i := range garbage {
		garbage[i] = make([]byte, 4096)
	}
	runtime.KeepAlive(garbage)
	runtime.GC()
}

// deepen makes stacks grow and move, on several threads.
func deepen() {
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { grow(64) })
	}
	wait.Wait()
}

func grow(n int) byte {
	var frame [1024]byte
	if n > 0 {
		frame[n] = grow(n - 1)
	}
	return frame[n]
}

// knock sends signals to the process, and one to every thread of it.
func knock() {
	own := unix.Getpid()
	for _, sig := range []unix.Signal{unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCHLD} {
		_ = unix.Kill(own, sig)
	}
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		tid := 0
		for _, digit := range thread.Name() {
			tid = 10*tid + int(digit-'0')
		}
		_ = unix.Tgkill(own, tid, unix.SIGURG)
	}
}
