// Package bench compares availd with what people use in its place, on the same
// machine in the same run: how much it costs a request, how it takes a burst,
// what a start takes, how it behaves at its limit and while it is changed.
//
//	make bench                  # everything, some forty minutes
//	make bench BENCH=TestBurst  # one, or several by a regular expression
//
// It runs in a machine of its own that e2e boots, with real programs of Debian's
// packages on its loopback, as one of the peers is systemd itself. What came out
// on one machine is in docs/benchmarks.md.
//
// Each benchmark has entrants that take turns over several rounds (package rig);
// figures are medians, and what has a target is a ratio to another figure of the
// same run. "short" in the last column is a target that was missed; the run
// fails only when something could not be measured.
//
// The C programs under test, the clients and the yardsticks are in programs; the
// C worker is the example http-c.
package bench
