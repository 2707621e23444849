package try

import (
	"context"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/protocol"
)

// This file tries the ways in which the program accepts itself: whether it gets to wait for
// clients, what it answers them, how many it takes at once, and what SIGTERM does in the
// middle of a request. inetd.go tries the way in which it is given a connection.

// listener tries a way in which the program accepts.
func (t *trial) listener(ctx context.Context) (err error) {
	given := protocol.Given{Sockets: []activation.Socket{t.socket}, Generation: 1}
	if t.seen.Way.Reports {
		if t.reports, given.Reports, err = t.s.reports(); err != nil {
			return err
		}
	}
	if t.seen.Way.NonBlocking || t.seen.Way.Channel {
		_ = unix.SetNonblock(t.socket.FD, true)
	}
	var theirs []int
	if t.seen.Way.Channel {
		if theirs, err = t.openChannel(&given); err != nil {
			return err
		}
	}
	err = t.start(ctx, t.seen.Way.Handover(given))
	for _, fd := range theirs {
		_ = unix.Close(fd)
	}
	if err != nil || t.seen.Refused != "" || !t.becomesReady(ctx) {
		return err
	}
	t.seen.Start = time.Since(t.began)
	t.measure()
	t.clients(ctx)
	return nil
}

// openChannel makes what a daemon of Postfix is given beside the sockets.
func (t *trial) openChannel(given *protocol.Given) (theirs []int, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	t.channel, given.Channel = pair[0], pair[1]
	if err := unix.Pipe2(given.Flow[:], unix.O_CLOEXEC|unix.O_NONBLOCK); err != nil {
		return []int{pair[1]}, os.NewSyscallError("pipe2", err)
	}
	return []int{pair[1], given.Flow[0], given.Flow[1]}, nil
}

// becomesReady waits until the program waits for clients, or says so, or is of no use.
func (t *trial) becomesReady(ctx context.Context) bool {
	stray, looks := time.Time{}, 0
	t.found(ctx, func() bool {
		t.seen.Waits = t.waits()
		if looks++; looks%8 == 0 && !t.seen.Waits { // it takes a look at all sockets of the host
			t.seen.Elsewhere = t.elsewhere()
		}
		if t.seen.Elsewhere != "" && stray.IsZero() {
			stray = time.Now()
		}
		// One that says READY=1 may have no thread that waits in a way that can be seen, and
		// one that listens elsewhere may be about to accept here, too.
		return t.seen.Waits || t.seen.Ready && time.Since(t.began) > 10*moment || !stray.IsZero() && time.Since(stray) > 2*moment
	})
	if t.ended && t.seen.Exit == clean {
		t.seen.Background = len(procfs.Family(os.Getpid(), maxLooked)) > 1
	}
	if t.seen.Elsewhere == "" && t.seen.Waits {
		t.seen.Elsewhere = t.elsewhere()
	}
	return !t.ended && (t.seen.Waits || t.seen.Ready)
}

// address is that of the scratch socket.
func (t *trial) address() string { return t.socket.Address }

// kinds are the clients to send, in order.
func (t *trial) kinds() []client {
	if t.seen.Way.OneSocket == "" {
		return []client{httpClient, lineClient}
	}
	t.script = t.s.writeScript()
	return []client{fastcgi(t.script), httpClient, lineClient}
}

// clients sends some, and then one that is busy when SIGTERM comes.
func (t *trial) clients(ctx context.Context) {
	var answered *client
	for _, k := range t.kinds() {
		ok, took, _ := request("tcp", t.address(), k, answerIn) // what gives no answer is no error
		t.until(ctx, look, func() bool { return false })
		if t.ended || ctx.Err() != nil {
			break
		}
		if ok {
			answered, t.seen.Answer, t.seen.Took = &k, k.name, took
			break
		}
	}
	if t.ended && t.seen.Answer != "" { // one client a process
		return
	}
	if t.seen.Way.Channel { // it is never sent a signal, and takes one client at a time
		return
	}
	if !t.ended {
		t.holds(ctx)
	}
	if answered != nil && !t.ended {
		t.terminate(ctx, *answered)
	}
}

// silent are the clients that say nothing.
const silent = 3

// holds counts how many silent clients the program takes at once.
func (t *trial) holds(ctx context.Context) {
	var all []net.Conn
	for range silent {
		if c, err := net.DialTimeout("tcp", t.address(), answerIn); err == nil {
			all = append(all, c)
		}
	}
	t.until(ctx, 2*moment, func() bool { return false })
	if waiting := t.depth.Waiting(t.socket.FD).Waiting; waiting >= 0 {
		t.seen.Holds = len(all) - waiting
	}
	for _, c := range all {
		_ = c.Close()
	}
	t.until(ctx, endIn, func() bool { return t.waits() }) // it has noticed that they are gone
}

// terminate sends SIGTERM in the middle of a request.
func (t *trial) terminate(ctx context.Context, k client) {
	c, err := net.DialTimeout("tcp", t.address(), answerIn)
	if err != nil {
		return
	}
	defer func() { _ = c.Close() }()
	if _, err := c.Write([]byte(k.first)); err != nil {
		return
	}
	accepted := func() bool { return t.depth.Waiting(t.socket.FD).Waiting == 0 }
	if !t.until(ctx, endIn, accepted) {
		return
	}
	t.until(ctx, moment, func() bool { return false })
	if t.ended {
		return
	}
	_ = t.p.Signal(unix.SIGTERM)
	t.until(ctx, moment, func() bool { return false })
	_, _ = c.Write([]byte(k.rest)) // nobody may be there any more
	text, _ := read(c, answerIn, nil)
	_ = c.Close() // php-cgi waits for that before it goes on
	switch {
	case !k.answers(text) || k.name == "FastCGI" && !strings.Contains(text, scriptEnds):
		t.seen.Term = Dies
	case t.until(ctx, endIn, func() bool { return t.ended }):
		t.seen.Term = Finishes
	default:
		t.seen.Term = Ignores
	}
	t.seen.Exit = "" // as it was told to
}

// scriptEnds is what the script for FastCGI says last.
const scriptEnds = "finished"

// writeScript writes a script that takes a moment, for programs that run PHP and for those
// that execute their scripts; "" = it cannot be written.
func (s *sandbox) writeScript() string {
	path := s.dir + "/script"
	text := "#!/bin/sh\n# <?php usleep(500000); ?>\nsleep 0.5; printf 'Content-Type: text/plain\\r\\n\\r\\n" + scriptEnds + "\\n'\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		return ""
	}
	return path
}
