// Package worker lets a Go program be a worker of availd: it accepts on the
// sockets availd hands over, says when it is busy and when it is idle, and
// leaves when it is told to, without losing a connection.
//
//	func main() {
//		err := worker.Serve(context.Background(), func(c net.Conn) {
//			fmt.Fprintf(c, "hello from %d\n", os.Getpid())
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//	}
//
// [Serve] and [HTTP] hold the whole life of a worker that has one client at a
// time. A worker with a loop of its own uses the parts: [Listeners], [Ready],
// [Busy], [Idle], [Jobs], or a [Board] instead of a report for each change.
//
// It is not a process manager and not a framework: one process, one client at
// a time, and availd decides how many processes there are. It needs Linux and
// nothing but the standard library.
//
// # Sockets
//
// The listening sockets are shared with every other worker, with availd and
// with systemd. O_NONBLOCK lives on the open file description (fcntl(2),
// F_SETFL), so that one process that sets it sets it for all; this package
// therefore never does, which is why it has a listener of its own:
// [net.FileListener] switches the description to non-blocking. The package
// waits with epoll first and accepts then.
//
// Run workers made with this package under NonBlocking=yes in the service
// (systemd.service(5)). A worker that was woken may find nothing to accept, as
// another one, still busy a moment ago, was faster: a non-blocking socket says so at once.
// On a blocking socket such a worker stays inside accept4(2) until the next
// connection comes, and no signal gets it out of there without a chance of
// losing a connection that arrives just then. It still serves that next
// connection, but one that is told to retire meanwhile leaves only after it;
// availd ends it after 30 s if none comes.
//
// # When availd is away
//
// Reports are sent blocking, for [SendTimeout] at most, and a report that
// cannot be sent is dropped: a worker serves whether or not anybody listens.
// Without NOTIFY_SOCKET in the environment nothing is sent at all.
//
// # Diagnostics
//
// Errors go to the caller and mean that the process should end with a status
// other than 0: the environment holds no usable socket, or the kernel refuses
// to wait or to accept. A connection that was not accepted stays in the queue
// for another worker. The package writes no log and never panics.
//
// # Bugs
//
// Datagram sockets and FIFOs are not listeners: [Listeners] refuses them, and
// a worker that wants them takes the descriptor, from 3 on, as it is.
package worker
