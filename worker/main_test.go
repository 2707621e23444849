package worker

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// roles are the workers that the test binary plays when it is started again
// with WORKER_TEST_ROLE set; each is registered beside the test that uses it.
var roles = map[string]func() error{}

func TestMain(m *testing.M) {
	if name := os.Getenv("WORKER_TEST_ROLE"); name != "" {
		play(name)
	}
	testutil.Main(m)
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
