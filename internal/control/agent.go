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
	p, err := s.shared.picture(ctx)
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
// HAProxy's configuration manual). The percentage is of the server's weight. It
// is never 0, and the line never down: where all instances are full or fail,
// clients wait at a socket instead of being turned away.
func agentLine(s *status.Service) string {
	if s.Draining {
		return "drain\n"
	}
	return fmt.Sprintf("ready up %d%%\n", freePercent(s))
}

// freePercent is the part of the limit that is neither busy nor leaving. Where
// no workers are started, it is what is there already.
func freePercent(s *status.Service) int {
	free := 100
	switch {
	case s.ThrottledUntil != nil:
		free = 100 * (s.Idle + s.Starting) / max(s.Limit, s.Total, 1)
	case s.Limit > 0:
		free = 100 * (s.Limit - s.Busy - s.Retiring) / s.Limit
	}
	if s.StressUntil != nil {
		free /= stressShare
	}
	return min(max(free, 1), 100)
}
