package machine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// notices is the socket on which nspawn says what becomes of the machine, in
// the protocol of sd_notify(3): first who its PID 1 is, then, with
// --notify-ready=yes, that its systemd has done all jobs of the boot.
type notices struct {
	conn *net.UnixConn
	path string
}

// listenNotices makes the socket in dir, which must be short: a socket's path
// has at most 107 bytes, unix(7).
func listenNotices(dir string) (*notices, error) {
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return nil, err
	}
	return &notices{conn: conn, path: path}, nil
}

func (n *notices) close() error { return n.conn.Close() }

// wait returns the pid of the machine's PID 1, as nspawn counts, once the
// machine is booted. It ends early with ctx, or when nspawn ends.
func (n *notices) wait(ctx context.Context, nspawn *process) (leader int, err error) {
	over := make(chan struct{})
	defer close(over)
	go func() { // a read ends by deadline only
		select {
		case <-nspawn.done:
		case <-ctx.Done():
		case <-over:
			return
		}
		_ = n.conn.SetReadDeadline(time.Now())
	}()
	buf := make([]byte, 4096)
	for {
		size, err := n.conn.Read(buf)
		switch {
		case nspawn.ended():
			return 0, fmt.Errorf("systemd-nspawn ended during the boot: %w", orNil(nspawn.err))
		case ctx.Err() != nil:
			return 0, ctx.Err()
		case err != nil:
			return 0, err
		}
		pid, ready := parseNotice(string(buf[:size]))
		if pid > 0 {
			leader = pid
		}
		if ready && leader > 0 {
			return leader, nil
		}
	}
}

// parseNotice returns the pid a message names, 0 if none, and whether it says
// ready.
func parseNotice(message string) (leader int, ready bool) {
	for line := range strings.Lines(message) {
		line = strings.TrimSuffix(line, "\n")
		if pid, ok := strings.CutPrefix(line, "X_NSPAWN_LEADER_PID="); ok {
			leader, _ = strconv.Atoi(pid)
		}
		ready = ready || line == "READY=1"
	}
	return leader, ready
}

// orNil gives an end without error a name, for messages.
func orNil(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}
