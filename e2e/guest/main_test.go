//go:build e2e

package guest

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// parallel is how many scenarios run at once: enough that the longest ends last,
// few enough that their workers start in time.
const parallel = "4"

func TestMain(m *testing.M) {
	if os.Getenv(harness.EnvGuest) != "1" {
		fmt.Println("left out: runs inside the machines that go test -tags e2e ./e2e boots")
		os.Exit(0)
	}
	// The variable alone might be somebody's environment; systemd writes this
	// file in containers only.
	if _, err := os.Stat("/run/systemd/container"); err != nil {
		fmt.Fprintln(os.Stderr, "guest: this is no machine of e2e:", err)
		os.Exit(1)
	}
	// systemctl gives up after 25 s, and systemd may be kept from answering for longer on a
	// busy machine: one scenario's crash makes it log a thousand processes.
	if err := os.Setenv("SYSTEMD_BUS_TIMEOUT", "2min"); err != nil {
		panic(err)
	}
	flag.Parse()
	// The scenarios mostly wait, and more of them at a time than there are CPUs.
	if err := flag.Set("test.parallel", parallel); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
