// Package notify tells the service manager how the service is doing: the
// sending end of sd_notify(3), for a loop that must never block.
//
// It is not a general sd_notify library. It keeps one connected socket, where
// the usual ones open a new one for each message; it queues what the manager
// has no room for, in order, where they block; and it passes descriptors,
// which FDSTORE=1 is about. It does not decide what to say.
//
// [New] is called once with NOTIFY_SOCKET. Messages go out at once when
// there is room; while [Notifier.Pending] says so, [Notifier.Flush] must be
// called again, on a timer. All methods do nothing on a nil Notifier, which is
// what New returns outside a service manager. A Notifier belongs to one
// goroutine.
//
// # Diagnostics
//
// A full receiver is no error. What cannot be said is one ([ErrInvalid], a
// mistake of the caller's), what there is no more room to queue ([ErrFull]),
// and what the operating system refuses for good; that message is dropped.
package notify
