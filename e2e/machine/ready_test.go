package machine

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// bootedBy listens and starts a stand-in for nspawn that lives until stdin
// is closed.
func bootedBy(t *testing.T, program ...string) (*notices, *process) {
	t.Helper()
	n, err := listenNotices(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.close() })
	cmd := exec.Command(program[0], program[1:]...)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = p.wait() })
	return n, p
}

func TestNoticesReady(t *testing.T) {
	n, p := bootedBy(t, "cat")
	c, err := net.Dial("unixgram", n.path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, m := range []string{"READY=1\n", "STATUS=Container running.\nX_NSPAWN_LEADER_PID=4711", "NOT_READY=1", "STATUS=x\nREADY=1\n"} {
		if _, err := c.Write([]byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if leader, err := n.wait(ctx, p); leader != 4711 || err != nil {
		t.Errorf("got %d, %v; want 4711", leader, err)
	}
}

func TestNoticesEnd(t *testing.T) {
	n, p := bootedBy(t, "false")
	if _, err := n.wait(t.Context(), p); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("got %v; want the exit status of the program that ended", err)
	}
	n, p = bootedBy(t, "cat")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.wait(ctx, p); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v; want %v", err, context.Canceled)
	}
}
