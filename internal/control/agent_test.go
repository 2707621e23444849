package control

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/status"
)

func TestAgentLine(t *testing.T) {
	now, second := time.Now(), 1.0
	for _, c := range []struct {
		is   status.Service
		want string
	}{
		{status.Service{Limit: 10}, "ready up 100%"},
		{status.Service{Limit: 10, Busy: 3, Retiring: 1, Starting: 2, Idle: 2, Total: 8}, "ready up 60%"},
		{status.Service{Limit: 300, Busy: 299, Total: 299}, "ready up 1%"},
		{status.Service{Limit: 10, Busy: 10, Total: 10}, "ready up 1%"},
		{status.Service{Limit: 2, Busy: 5, Total: 5}, "ready up 1%"}, // the limit was lowered
		{status.Service{Limit: 0, Busy: 500, Total: 500}, "ready up 100%"},
		{status.Service{Limit: 10, StressUntil: &now}, "ready up 25%"},
		{status.Service{Limit: 10, Busy: 8, Total: 8, StressUntil: &now}, "ready up 5%"},
		{status.Service{Limit: 10, Busy: 10, Total: 10, StressUntil: &now}, "ready up 1%"},
		{status.Service{Limit: 10, ThrottledUntil: &now}, "ready up 1%"},
		{status.Service{Limit: 10, Busy: 2, Idle: 3, Total: 5, ThrottledUntil: &now}, "ready up 30%"},
		{status.Service{Limit: 0, Busy: 2, Idle: 2, Total: 4, ThrottledUntil: &now}, "ready up 50%"},
		{status.Service{Limit: 10, Idle: 10, Total: 10, Draining: true}, "drain"},
		{status.Service{Limit: 10, Busy: 2, Total: 2, Sockets: []status.Socket{{OldestWait: &second}, {}}}, "ready up 40%"},
		{status.Service{Limit: 10, Busy: 10, Total: 10, Sockets: []status.Socket{{OldestWait: &second}}}, "ready up 1%"},
		{status.Service{Limit: 10, Busy: 5, Total: 5, Sockets: []status.Socket{{OldestWait: new(float64)}}}, "ready up 50%"},
	} {
		if got := agentLine(&c.is); got != c.want+"\n" {
			t.Errorf("%+v: %q, want %q", c.is, got, c.want)
		}
	}
}

// agent serves on a TCP socket, as the load balancer is on another host.
func agent(t *testing.T, s Service, patience time.Duration) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := NewServer(s)
	server.patience = patience
	running(t, l, server.ServeAgent)
	return l.Addr().String()
}

// TestAgentTells whoever connects: one who is silent, one who sends something
// first (agent-send), one who sends a lot.
func TestAgentTells(t *testing.T) {
	addr := agent(t, fixed(status.Service{Limit: 4, Busy: 1}), patience)
	for _, says := range []string{"", "web\n", strings.Repeat("x", maxHead)} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, says)
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		if line, err := io.ReadAll(c); err != nil || string(line) != "ready up 75%\n" {
			t.Errorf("after %.10q: %q, error %v", says, line, err)
		}
		_ = c.Close()
	}
}

// TestAgentIsBounded: peers that never leave take the places, and lose them.
func TestAgentIsBounded(t *testing.T) {
	addr := agent(t, fixed(status.Service{Limit: 1}), 300*time.Millisecond)
	for range 2 * maxConns {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if line, err := io.ReadAll(c); err != nil || string(line) != "ready up 100%\n" {
		t.Errorf("behind the crowd: %q, error %v", line, err)
	}
}

// TestAgentWithoutState: no line is better than a wrong one; the balancer goes
// by its health checks.
func TestAgentWithoutState(t *testing.T) {
	addr := agent(t, Service{
		Status: func(context.Context) (status.Service, error) { return status.Service{}, errors.New("no time") },
	}, patience)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if line, err := io.ReadAll(c); err != nil || len(line) != 0 {
		t.Errorf("%q, error %v", line, err)
	}
}

// TestSocketsDoNotShareTheirPlaces: a crowd at one shuts nobody out of another.
func TestSocketsDoNotShareTheirPlaces(t *testing.T) {
	server := NewServer(fixed(status.Service{Name: "web"}))
	server.patience = time.Hour // the crowd stays until the test ends
	var paths []string
	for i, serve := range []func(net.Listener){server.ServeStatus, server.ServeControl} {
		path := fmt.Sprintf("%s/%d", t.TempDir(), i)
		l, err := listener(path)
		if err != nil {
			t.Fatal(err)
		}
		running(t, l, serve)
		paths = append(paths, path)
	}
	for range 3 * maxConns {
		c := dial(t, paths[0])
		defer c.Close()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := (Client{paths[1]}).Reload(ctx); err != nil {
		t.Error(err)
	}
}
