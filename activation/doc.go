// Package activation owns the descriptors a service is started with: it takes
// what systemd handed over (sd_listen_fds(3)), looks at every descriptor,
// sorts them by name, and opens sockets itself where there is no systemd.
//
// It does not accept, poll or configure anything, and it knows nothing of
// workers. In particular it never makes a net.Listener: that would set
// O_NONBLOCK on the open file description, which is shared with systemd and
// with every worker. Descriptors are raw numbers, close-on-exec, in none of
// the Go runtime's tables, so that no garbage collection closes them and no
// poller of the runtime wakes up for them; O_NONBLOCK stays as NonBlocking=
// set it, see systemd.service(5).
//
// [Inherited] is called once, early and from one goroutine, as it changes
// the environment; [Listen] where nothing was inherited. Whoever holds a
// [Set] or [Socket] closes its descriptors.
//
// The API of this package is not stable.
//
// # Diagnostics
//
// An [Error] is for the operator: something in a unit file must be changed
// and trying again is of no use. Other errors are of the operating system.
// On any error all descriptors that were received are closed.
//
// # Bugs
//
// LISTEN_PIDFDID= of recent systemd is removed, not checked: the pid alone
// decides, as it did before.
package activation
