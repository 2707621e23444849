// Package e2e runs availd under real systemds: it boots one machine for every
// supported version, and runs the scenarios of package guest inside it. One more
// machine has control groups of v1, and runs those that look into them.
//
// The host half is here: it builds the binaries, gets the trees, boots and
// stops the machines (package machine) and repeats the guest's results as its
// own subtests, so that "go test -run" and the exit status work as usual:
//
//	go test -tags e2e -count=1 -v ./e2e
//	go test -tags e2e -count=1 -v -run 'TestSystemd252/TestMachine' ./e2e
//
// The guest half is the test binary of e2e/guest, compiled here and run by the
// machine's kernel, as root, beside its systemd; e2e/guest/harness is what the
// scenarios share.
//
// Two more machines, clean ones, see the life of the packages (TestPackage): from the
// installation and the README's first example to a purge. What a package has to be
// beyond that, reproducible say, is looked at on the host.
//
// With the tag bench as well, TestBench runs the benchmarks of e2e/bench in a
// machine that has what availd is compared with (make bench).
//
// It is not a test of single Go packages, which need neither root nor systemd.
//
// # Environment
//
//   - AVAILD_REQUIRE: with "e2e" among its comma-separated words, a host on
//     which this cannot run fails instead of skipping;
//   - AVAILD_E2E_CACHE: the folder of the trees, /var/cache/availd-e2e when unset;
//   - AVAILD_E2E_MIRROR: the Debian mirror, the host's own when unset;
//   - AVAILD_E2E_LEAK: for how long workers leak in TestLeak, such as 10m (with a -timeout
//     that is longer); 5 s when unset.
//
// # Diagnostics
//
// When a scenario failed, its output is followed by the machine's failed units
// and the end of its journal. Machines, their processes and their control
// groups go with the test binary, however it ends; what a killed one could not
// remove (empty control groups) is removed by the next run.
package e2e
