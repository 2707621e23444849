package try

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/inspect"
	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/internal/sockdiag"
	"github.com/availd/availd/internal/survey"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/worker"
)

// Times of one way.
const (
	look      = 15 * time.Millisecond   // between two looks at the program
	answerIn  = 1500 * time.Millisecond // an answer of the program
	moment    = 150 * time.Millisecond  // in which a program notices what has happened
	endIn     = 2 * time.Second         // it ends, after SIGTERM or its client's end
	executeIn = 5 * time.Second         // the command is executed
)

// trial is one start of the program.
type trial struct {
	s        *sandbox
	seen     Seen
	p        spawn.Process
	socket   activation.Socket
	looker   *inspect.Observer
	depth    *sockdiag.Reader
	activity     // of the program
	reports  int // the socket for them, -1 = there is none
	channel  int // our end of a status channel, -1 = there is none
	began    time.Time
	ended    bool
	script   string // for FastCGI
}

// try starts the program in one way and looks at it. Nothing of it is left afterwards.
func (s *sandbox) try(ctx context.Context, way *protocol.Protocol) (Seen, error) {
	s.forget()
	t := &trial{s: s, seen: Seen{Way: way, As: describe(way)}, reports: -1, channel: -1}
	defer t.close()
	var err error
	if t.socket, err = s.listen(); err != nil {
		return t.seen, err
	}
	t.looker, t.depth = inspect.NewObserver([]int{t.socket.FD}), sockdiag.NewReader()
	if way.PerConnection {
		err = t.connection(ctx)
	} else {
		err = t.listener(ctx)
	}
	if t.seen.Output = ""; t.seen.Exit != "" && !t.seen.works() {
		t.seen.Output = s.lastLine()
	}
	return t.seen, err
}

func describe(way *protocol.Protocol) string {
	switch {
	case way.PerConnection:
		return "a connection on its standard input and output"
	case way.OneSocket != "":
		return "a listening socket on descriptor 0"
	case way.Channel:
		return "a daemon of Postfix's master"
	default:
		return "a listening socket on descriptor 3"
	}
}

func (t *trial) close() {
	if t.looker != nil {
		_, _ = t.looker.Close(), t.depth.Close()
	}
	if t.p.PID > 0 && !t.ended {
		_ = t.p.SignalGroup(unix.SIGKILL)
		t.until(context.Background(), endIn, func() bool { return false })
	}
	endAll()
	if t.p.PID > 0 {
		_ = t.p.Close()
	}
	for _, fd := range []int{t.socket.FD, t.reports, t.channel} {
		if fd > 2 {
			_ = unix.Close(fd)
		}
	}
}

// start starts the program, and waits until its command is executed.
func (t *trial) start(ctx context.Context, h spawn.Handover) (err error) {
	out := int(t.s.output.Fd())
	for i := 1; i < len(h.Files) && i < 3; i++ {
		if h.Files[i] == i { // our own output: what it says is not for the terminal
			h.Files[i] = out
		}
	}
	t.began = time.Now()
	if t.p, err = t.s.command.Start(1, false, h); err == nil {
		err = errors.New("it was not executed within " + executeIn.String())
		for until := time.Now().Add(executeIn); time.Now().Before(until) && ctx.Err() == nil; {
			over, failed := t.p.Executed()
			if over {
				err = failed
				break
			}
			pause(ctx, time.Millisecond)
		}
	}
	var command *spawn.CommandError
	if errors.As(err, &command) {
		t.seen.Refused = err.Error()
		return nil
	}
	return err
}

// found is until for what the program has to do first: one that does nothing any more will
// not do it either.
func (t *trial) found(ctx context.Context, is func() bool) {
	t.activity = activity{since: time.Now()}
	t.until(ctx, t.s.o.Patience, func() bool { return is() || t.rests(t.p.PID) })
	if t.ended {
		t.seen.Start = time.Since(t.began)
	}
}

// until steps until something is so, the program has ended, or the time is over.
func (t *trial) until(ctx context.Context, limit time.Duration, is func() bool) bool {
	for end := time.Now().Add(limit); ctx.Err() == nil; {
		t.step()
		if is() {
			return true
		}
		if t.ended || time.Now().After(end) {
			return false
		}
	}
	return false
}

// step waits for a moment, less if the program ends or reports.
func (t *trial) step() {
	fds := []unix.PollFd{{Fd: int32(t.p.FD), Events: unix.POLLIN}}
	for _, fd := range []int{t.reports, t.channel} {
		if fd >= 0 {
			fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
		}
	}
	_, _ = unix.Poll(fds, int(look.Milliseconds())) // a signal ends it early
	t.hear()
	if fds[0].Revents != 0 && !t.ended {
		if end, known, err := t.p.Wait(); known || err != nil {
			t.ended, t.seen.Exit = true, exitText(end.Code, end.Signal)
		}
	}
}

// hear reads what the program reports.
func (t *trial) hear() {
	buf := make([]byte, worker.MaxReport)
	for t.reports >= 0 {
		n, _, err := unix.Recvfrom(t.reports, buf, unix.MSG_DONTWAIT)
		if err != nil {
			break
		}
		for line := range strings.Lines(string(buf[:n])) {
			key, _, _ := strings.Cut(strings.TrimSpace(line), "=")
			t.seen.Ready = t.seen.Ready || key == "READY"
			t.seen.Reports = t.seen.Reports || key == worker.KeyAvailability
		}
	}
	if t.channel >= 0 {
		n, _, err := unix.Recvfrom(t.channel, buf, unix.MSG_DONTWAIT)
		t.seen.Reports = t.seen.Reports || err == nil && n >= 12 // a record of three numbers
	}
}

// waits looks whether the program waits for clients at the socket.
func (t *trial) waits() bool {
	t.looker.Round(map[uint64]bool{1: true})
	return t.looker.Look(inspect.Worker{PID: t.p.PID, Generation: 1}).Waits == policy.WaitsAtSocket
}

// elsewhere is where a process of the program listens that was not given to it; "" = nowhere.
func (t *trial) elsewhere() string {
	for _, stray := range survey.Strays(os.Getpid(), procfs.Family(t.p.PID, maxLooked)) {
		return stray.Address
	}
	return ""
}

// maxLooked bounds the processes of the program that are looked at.
const maxLooked = 64

// measure counts what the program is, once it is ready.
func (t *trial) measure() {
	for _, pid := range procfs.Family(t.p.PID, maxLooked) {
		t.seen.Processes++
		t.seen.Threads += procfs.CountThreads(pid)
		if n, ok := procfs.Anonymous(pid); ok {
			t.seen.Memory += n
		}
	}
	for _, err := range procfs.Files(t.p.PID, 0, 1<<16) {
		if err == nil {
			t.seen.Files++
		}
	}
}
