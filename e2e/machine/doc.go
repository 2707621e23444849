// Package machine boots a Debian tree with its own systemd as PID 1 in
// systemd-nspawn(1), runs commands in it and stops it.
//
// It is not a container runtime: a machine has no network but its loopback, no
// memory of its own (writes go to a tmpfs over the tree, which is never
// changed), and lives at most as long as the process that booted it.
//
// [Prepare] first, once a process; then [Cache.Tree] for the tree of a
// [Recipe]; then [Boot], [Machine.Command] as often as wanted, and
// [Machine.Stop] always.
//
// # Diagnostics
//
// [ErrUnavailable] is wrapped by what this host cannot do: no root, no tools,
// no mirror. All other errors mean that something is broken.
//
// # Bugs
//
// On a host whose controllers are bound to cgroup v1 the machine has cgroup v2
// without memory, cpu, pids and io controllers: MemoryMax=, TasksMax= and
// OOMPolicy= have no effect in it. The wall clock is the host's and cannot be
// set: CLOCK_REALTIME has no namespace, and nspawn withholds CAP_SYS_TIME.
package machine

import "errors"

// ErrUnavailable says that machines cannot be had on this host; the wrapping
// error says why and what would change it.
var ErrUnavailable = errors.New("no machine on this host")
