// Package report receives what workers say about themselves: sd_notify(3)
// datagrams on a Unix socket of availd's own, or, from daemons of Postfix, [Records]
// on a status channel.
//
// It is the receiving end only. It does not know which worker a process is,
// counts nothing, logs nothing and decides nothing: a [Message] says what was
// claimed and which process the kernel names as the sender. Whether that
// process may speak is the caller's question; [Vouched] helps where
// descendants of workers may speak too.
//
// The socket is a raw descriptor and belongs to one goroutine. It is never
// given to the Go runtime's poller: the caller has its own epoll set, and a
// second one would wake up for every datagram as well.
//
// [Listen] is called once at start, or [Adopt] when a descriptor survived in
// systemd's store; [Socket.Receive] is called until it says [ErrEmpty]
// whenever the descriptor is readable. It takes nothing on trust: descriptors are
// refused (Linux 6.16), or closed by another thread without a look at them, buffers
// have a fixed size, and what cannot be understood comes back as [Message.Malformed]
// rather than as an error.
//
// # Diagnostics
//
// Errors are of the operating system and about the socket itself. Nothing a
// sender can do is an error, let alone a panic.
//
// # Bugs
//
// A sender that was reaped before its datagram is read has only a number;
// before Linux 6.9 nothing tells whether the number was given away since.
// From there on [Message.Inode] does, where it matters (see [Socket.Doubt]).
package report
