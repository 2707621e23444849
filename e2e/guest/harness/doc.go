// Package harness is what the scenarios of package guest share: units under
// test, their processes as the machine's kernel shows them, clients that put
// them under load, and waiting with a deadline.
//
// It is for use inside a machine of package machine, as root: units go to
// /run/systemd/system, and nothing is asked before they are replaced.
//
// [Install] a pair of units first; the returned [Unit] stops it, checks that
// nothing of it is left and removes it when the test ends, and prints its
// journal when the test failed. Tests may run in parallel when their units
// have different names and their ports come from [Port].
//
// # Diagnostics
//
// Functions that take a testing.TB end the test when the machine does not do
// what is asked; the others return errors, or zero for a process that is gone.
//
// # Bugs
//
// The world outside this process is waited for by looking every few
// milliseconds ([WaitFor]): it has no event to wait for that would not be the
// thing under test.
package harness

// Where the host half puts things, read-only.
const (
	Dir      = "/opt/availd-e2e"
	Availd   = Dir + "/availd"
	Next     = Dir + "/availd-next" // the same, of another version
	Workers  = Dir + "/workers"     // one executable each, by the name of the example
	Bench    = Dir + "/bench"       // programs of the benchmarks
	Examples = Dir + "/examples"    // the sources, with their unit pairs
	Preload  = Dir + "/availd-preload.so"
	Catalog  = Dir + "/availd.catalog"
	Rules    = Dir + "/availd.rules.yml"
	Grafana  = Dir + "/grafana.json"
)

// Environment of the guest half.
const (
	EnvGuest   = "AVAILD_E2E_GUEST"   // "1": this is the machine
	EnvSystemd = "AVAILD_E2E_SYSTEMD" // the oldest systemd version it may have: "252"
	EnvV1      = "AVAILD_E2E_V1"      // "true": its control groups are those of v1
	EnvLeak    = "AVAILD_E2E_LEAK"    // for how long TestLeak has workers leak: "10m"
)
