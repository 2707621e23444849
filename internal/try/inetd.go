package try

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/spawn"
)

// connection tries the way of inetd: a process for a connection.
func (t *trial) connection(ctx context.Context) error {
	c, err := net.DialTimeout("tcp", t.address(), answerIn)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	fd, _, err := unix.Accept4(t.socket.FD, unix.SOCK_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("accept4", err)
	}
	own := c.LocalAddr().(*net.TCPAddr)
	given := protocol.Given{Conn: &spawn.Conn{FD: fd, Address: own.IP.String(), Port: strconv.Itoa(own.Port)}, Generation: 1}
	err = t.start(ctx, t.seen.Way.Handover(given))
	_ = unix.Close(fd)
	if err != nil || t.seen.Refused != "" {
		return err
	}
	t.greeted(ctx, c)
	if t.seen.Elsewhere != "" || !t.seen.Reads && t.seen.Greeting == "" {
		return nil
	}
	t.measure()
	if !t.ended {
		began := time.Now()
		_, _ = c.Write([]byte("hello\r\n")) // it may be gone
		if text, _ := read(c, 2*moment, func(text string) bool { return text != "" }); text != "" {
			t.seen.Answer, t.seen.Took = lineClient.name, time.Since(began)
		}
	}
	_ = c.Close()
	t.until(ctx, endIn, func() bool { return t.ended })
	t.seen.Ends = t.ended
	return nil
}

// greeted waits until the program reads from its client, says something, ends, or is of no
// use.
func (t *trial) greeted(ctx context.Context, c net.Conn) {
	looks := 0
	t.found(ctx, func() bool {
		for _, pid := range procfs.Family(t.p.PID, maxLooked) {
			t.seen.Reads = t.seen.Reads || inspect.Reads(pid, 0)
		}
		if looks++; looks%8 == 0 {
			t.seen.Elsewhere = t.elsewhere()
		}
		return t.seen.Reads || t.seen.Elsewhere != ""
	})
	if t.seen.Elsewhere == "" {
		t.seen.Elsewhere = t.elsewhere()
	}
	t.seen.Start = time.Since(t.began)
	text, _ := read(c, moment, nil)
	t.seen.Greeting = firstLine(text)
}
