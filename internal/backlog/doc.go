// Package backlog tells how many connections wait in the accept queue of a
// listening socket, without taking any.
//
// TCP and MPTCP listeners say so in TCP_INFO (tcp(7)); Unix listeners are
// looked up by inode over NETLINK_SOCK_DIAG (sock_diag(7), UDIAG_SHOW_RQLEN).
// Everything else, such as datagram sockets, FIFOs, VSOCK, and Unix sockets
// of another network namespace, has no number, only poll(2): something waits
// or not. Nothing here needs a privilege.
//
// It does not watch: [Reader.Depth] is asked by whoever has a reason to, and
// answers in a few system calls that do not wait.
//
// # Diagnostics
//
// A depth that cannot be had is -1 and never 0, and is no error;
// [Reader.Unavailable] says why, for one line in a log. Errors are of
// descriptors that cannot even be polled.
//
// # Bugs
//
// Under PrivateNetwork=, or where RestrictAddressFamilies= leaves out
// AF_NETLINK (systemd.exec(5)), the depth of Unix sockets is unknown.
package backlog
