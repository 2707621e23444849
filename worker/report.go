package worker

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

// SendTimeout is the longest a report waits for room in availd's socket. The
// kernel queues some datagrams (net.unix.max_dgram_qlen), more than a restart
// of availd needs; a worker must not hang for good because availd does. After a
// report that found no room for so long none waits, until one is sent again: a worker
// that waited for each would serve nobody.
const SendTimeout = 5 * time.Second

// A Reporter sends reports to availd. All methods do nothing on a nil
// Reporter, which is what a worker without availd has. They may be called from
// several goroutines.
//
// Most programs use the functions of the same names, which send to the address
// in NOTIFY_SOCKET.
type Reporter struct {
	fd   int
	to   string
	away atomic.Bool // the last report has found no room
}

// NewReporter returns a Reporter for the address of a Unix datagram socket, in
// the form of NOTIFY_SOCKET: a path, or "@" and an abstract name (sd_notify(3)).
// The socket is not connected: an availd that binds the path anew is found
// again. Close it when done. On error nothing is left open.
func NewReporter(address string) (*Reporter, error) {
	return newReporter(address, SendTimeout)
}

func newReporter(address string, timeout time.Duration) (*Reporter, error) {
	if address == "" || address[0] != '/' && address[0] != '@' {
		return nil, fmt.Errorf("report to %q: not a path and not an abstract name", address)
	}
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	tv := syscall.NsecToTimeval(int64(timeout))
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_SNDTIMEO, &tv); err != nil {
		syscall.Close(fd)
		return nil, os.NewSyscallError("setsockopt", err)
	}
	return &Reporter{fd: fd, to: address}, nil
}

// Close gives up the socket. The Reporter must not be used afterwards.
func (r *Reporter) Close() error {
	if r == nil {
		return nil
	}
	return os.NewSyscallError("close", syscall.Close(r.fd))
}

// Ready says that the worker has finished its preparations and accepts.
func (r *Reporter) Ready() { r.send("READY=1") }

// Busy says that the worker takes no further connection for now. Send it right
// after accept: until then availd believes that somebody is free.
func (r *Reporter) Busy() { r.send(KeyAvailability + "=" + ValueBusy) }

// Idle says that the worker waits for a connection again.
func (r *Reporter) Idle() { r.send(KeyAvailability + "=" + ValueIdle) }

// Jobs says how many clients the worker holds and how many it has finished
// since the last call. A worker with one client at a time need not call it.
func (r *Reporter) Jobs(held, done int) {
	r.send(fmt.Sprintf("%s=%d\n%s=%d", KeyJobs, max(held, 0), KeyDone, max(done, 0)))
}

// Stopping says that the worker will not accept again.
func (r *Reporter) Stopping() { r.send("STOPPING=1") }

// Alive feeds the watchdog, when availd runs with --worker-watchdog.
func (r *Reporter) Alive() { r.send("WATCHDOG=1") }

// Status gives a line for people who look at the worker. What is not printable
// is replaced, and what is over [MaxStatus] bytes is cut off.
func (r *Reporter) Status(text string) { r.send("STATUS=" + printable(text)) }

// send ignores failure on purpose: there is nobody to tell and nothing to do
// about it, and the next report says the same or newer.
func (r *Reporter) send(text string) {
	if r == nil {
		return
	}
	to := &syscall.SockaddrUnix{Name: r.to} // Sendto writes into it: one for each call
	flags := 0
	if r.away.Load() {
		flags = syscall.MSG_DONTWAIT
	}
	err := eintr(func() error { return syscall.Sendto(r.fd, []byte(text), flags, to) })
	if away := errors.Is(err, syscall.EAGAIN); away != (flags != 0) {
		r.away.Store(away)
	}
}

// printable makes one line of text: a line feed in it would start a line of
// the report that the caller did not mean to send.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if c == utf8.RuneError || !unicode.IsPrint(c) {
			return '?'
		}
		return c
	}, text)
	if len(text) <= MaxStatus {
		return text
	}
	end := MaxStatus
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// fromEnvironment is the one Reporter of the process. NOTIFY_SOCKET belongs to
// the process, so that a second one could only say the same to the same.
var fromEnvironment = sync.OnceValue(func() *Reporter {
	r, err := NewReporter(os.Getenv("NOTIFY_SOCKET"))
	if err != nil {
		return nil
	}
	return r
})

// Ready is [Reporter.Ready] for the socket in NOTIFY_SOCKET.
func Ready() { fromEnvironment().Ready() }

// Busy is [Reporter.Busy] for the socket in NOTIFY_SOCKET.
func Busy() { fromEnvironment().Busy() }

// Idle is [Reporter.Idle] for the socket in NOTIFY_SOCKET.
func Idle() { fromEnvironment().Idle() }

// Jobs is [Reporter.Jobs] for the socket in NOTIFY_SOCKET.
func Jobs(held, done int) { fromEnvironment().Jobs(held, done) }

// Stopping is [Reporter.Stopping] for the socket in NOTIFY_SOCKET.
func Stopping() { fromEnvironment().Stopping() }

// Alive is [Reporter.Alive] for the socket in NOTIFY_SOCKET.
func Alive() { fromEnvironment().Alive() }

// Status is [Reporter.Status] for the socket in NOTIFY_SOCKET.
func Status(text string) { fromEnvironment().Status(text) }
