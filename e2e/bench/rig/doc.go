// Package rig is what the benchmarks of package bench share: programs that are
// started and ended, load on them, what they cost the machine meanwhile, rounds
// in which several take turns, and a table of what came out.
//
// Machines differ and are noisy, so nothing here judges a time: a target is a
// ratio of two figures that were measured alternately in the same run, and a
// figure is the median over the rounds.
//
// # Diagnostics
//
// Functions that take a testing.TB end the benchmark when a program does not do
// what is asked. A target that is missed is no failure, but a line that says so:
// a benchmark on somebody's busy machine is no test.
//
// # Bugs
//
// A program that is no availd says nothing when it is ready. That it listens is
// looked for in /proc/net/tcp every few milliseconds, as a connection would
// already be work.
package rig
