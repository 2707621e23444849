package worker

import (
	"fmt"
	"os"
	"strconv"
	"testing"
)

// roles are the workers that the test binary plays when it is started again
// with WORKER_TEST_ROLE set; each is registered beside the test that uses it.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	if name := os.Getenv("WORKER_TEST_ROLE"); name != "" {
		play(name)
	}
	before := descriptors()
	code := m.Run()
	if after := descriptors(); code == 0 && after != before {
		fmt.Fprintf(os.Stderr, "descriptors left open: %d before, %d after\n", before, after)
		code = 99
	}
	os.Exit(code)
}

func play(name string) {
	// What availd's trampoline does between fork and exec.
	os.Setenv("LISTEN_PID", strconv.Itoa(os.Getpid()))
	if err := roles[name](); err != nil {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// descriptors counts sockets and pipes: the runtime opens its own poller and
// eventfd when it first needs them, and keeps them.
func descriptors() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		panic(err)
	}
	n := 0
	for _, e := range entries {
		target, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if len(target) > 5 && (target[:5] == "socke" || target[:5] == "pipe:") {
			n++
		}
	}
	return n
}
