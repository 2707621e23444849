package cli

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"
)

// workDeployed is a worker of the deploy tests: its revision is what the file "revision"
// beside it says, in one line: a name, what it does, and how long it does that for.
//
//	good       serves
//	exits D    exits with status 1 after D, and never accepts
//	request    serves until the first request, which it crashes at
//	deaf       is ready where workers say so, and never accepts: it waits for something else
//	closes     the same, and it has closed the socket
//	computes   the same, and it does not wait at all
//	stops      the same, by SIGSTOP
func workDeployed() {
	text, err := os.ReadFile(filepath.Join(os.Args[2], "revision"))
	words := strings.Fields(string(text))
	if err != nil || len(words) < 2 {
		fail(fmt.Errorf("revision %q: %v", text, err))
	}
	r := revision{name: words[0], does: words[1]}
	if d := strings.Join(words[2:], ""); d != "" {
		if r.after, err = time.ParseDuration(d); err != nil {
			fail(err)
		}
	}
	if r.does == "exits" {
		time.Sleep(r.after)
		os.Exit(1)
	}
	switch how := os.Args[1]; how {
	case "board":
		if r.takesNothing() {
			worker.Ready()
			r.hang(3)
		}
		err = worker.Serve(context.Background(), func(c net.Conn) { r.serve(c) })
	case "inetd":
		r.serve(os.Stdin)
	default:
		err = r.accept(how)
	}
	if err != nil {
		fail(err)
	}
}

type revision struct {
	name, does string
	after      time.Duration
}

func (r revision) takesNothing() bool {
	return slices.Contains([]string{"deaf", "closes", "computes", "stops"}, r.does)
}

// hang does not return.
func (r revision) hang(listener int) {
	if r.does == "closes" {
		_ = unix.Close(listener)
	}
	for n := uint64(1); ; n++ {
		switch r.does {
		case "computes":
		case "stops":
			_ = unix.Kill(unix.Getpid(), unix.SIGSTOP)
		default: // a sleep like that of a program which waits for something that never comes
			_ = unix.Nanosleep(&unix.Timespec{Sec: 1000}, nil)
		}
	}
}

// accept is the loop of a program that was not written for availd, or of one that
// reports by hand.
func (r revision) accept(how string) error {
	listener, status := 3, 0
	switch how {
	case "fastcgi":
		listener = 0
	case "postfix":
		listener, status = 6, 5
	case "notify":
		worker.Ready()
	}
	if r.takesNothing() {
		r.hang(listener)
	}
	if how == "notify" {
		status = leaveSignal()
	}
	generation, _ := strconv.ParseUint(os.Getenv("GENERATION"), 8, 32)
	for {
		if status != 0 { // the others block in accept(2), as most do
			ready := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(status), Events: unix.POLLIN}}
			if _, err := unix.Poll(ready, -1); err != nil {
				continue
			}
			if ready[1].Revents != 0 {
				return nil
			}
		}
		fd, _, err := unix.Accept4(listener, unix.SOCK_CLOEXEC)
		if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return err
		}
		switch how {
		case "notify":
			worker.Busy()
		case "postfix":
			deployRecord(uint32(generation), 0)
		}
		c := os.NewFile(uintptr(fd), "client")
		r.serve(c)
		_ = c.Close()
		switch how {
		case "notify":
			worker.Idle()
		case "postfix":
			deployRecord(uint32(generation), 1)
		}
	}
}

// leaveSignal returns a descriptor that is readable when the worker was asked to retire.
func leaveSignal() int {
	var pipe [2]int
	if err := unix.Pipe2(pipe[:], unix.O_CLOEXEC); err != nil {
		fail(err)
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, unix.SIGTERM)
	go func() {
		<-asked
		_, _ = unix.Write(pipe[1], []byte{0})
	}()
	return pipe[0]
}

// serve answers one line with the name of the revision, after the time that the client
// wants.
func (r revision) serve(c interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
},
) {
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return
	}
	if r.does == "request" {
		os.Exit(3)
	}
	if d, err := time.ParseDuration(strings.TrimSpace(line)); err == nil {
		time.Sleep(d)
	}
	dir, _ := os.ReadFile("revision") // of the working directory, where there is one
	name, _, _ := strings.Cut(string(dir), " ")
	fmt.Fprintf(c, "%s %d %s\n", r.name, os.Getpid(), name)
}

func deployRecord(generation, available uint32) {
	var b []byte
	for _, n := range []uint32{uint32(os.Getpid()), generation, available} {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	_, _ = unix.Write(5, b)
}
