package control

import (
	"context"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/availd/availd/internal/status"
)

// ServeAgent answers everyone who connects to l with one line of HAProxy's
// agent-check, until l is closed.
func (s *Server) ServeAgent(l net.Listener) {
	l = limited(l)
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go s.tellAgent(c)
	}
}

// tellAgent says the line and lets the peer close first: a close here would
// turn what the peer has sent unasked (agent-send) into a reset, which may
// overtake the line.
func (s *Server) tellAgent(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(s.patience))
	ctx, cancel := context.WithTimeout(context.Background(), s.patience)
	defer cancel()
	p, err := s.now.get(ctx)
	if err != nil {
		return // no line leaves the server as it is
	}
	if _, err := io.WriteString(c, agentLine(&p.state)); err != nil {
		return
	}
	_ = c.(*limitConn).CloseWrite()
	_, _ = io.CopyN(io.Discard, c, maxHead)
}

// stressShare is the part of its capacity that a service under stress offers:
// it still has the load that has brought it there.
const stressShare = 4

// agentLine is what a load balancer should do with this instance (agent-check in
// HAProxy's configuration manual). The percentage is of the server's weight, and is
// never 0: where all instances are full or pause, clients wait at a socket instead of
// being turned away. It is down only where a client would be refused, or would wait for
// workers that accept nothing.
func agentLine(s *status.Service) string {
	switch faulty := s.Faulty(); {
	case s.Draining:
		return "drain\n"
	case faulty != nil:
		return "down#" + faulty.Name + " " + status.FaultText(*faulty.Fault) + "\n"
	case s.Unserved():
		return "down#no worker accepts\n"
	}
	return fmt.Sprintf("ready up %d%%\n", freePercent(s))
}

// freePercent is the part of the limit that is neither busy nor leaving. Where
// no workers are started, it is what is there already. While clients wait it is the smaller
// the longer the oldest has waited: half at a second.
func freePercent(s *status.Service) int {
	free := 100
	switch {
	case s.ThrottledUntil != nil:
		free = 100 * (s.Idle.Known() + s.Unknown() + s.Starting) / max(s.Limit, s.Total, 1)
	case s.Limit > 0:
		free = 100 * (s.Limit - s.Busy.Known() - s.Retiring) / s.Limit
	}
	if s.StressUntil != nil {
		free /= stressShare
	}
	if oldest, _ := s.OldestWait(); oldest != nil {
		free = int(float64(free) / (1 + max(0, oldest.Seconds())))
	}
	return min(max(free, 1), 100)
}
