package try

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/internal/status"
)

// preload runs real pools of one worker with the shared object, and sees whether requests
// are counted, and whether the worker can be a fork of a template.
func (s *sandbox) preload(ctx context.Context, p *protocol.Protocol, seen *Seen) (found Preload) {
	if seen.Answer == "" {
		return found
	}
	found.Tried = true
	kind := httpClient
	for _, k := range []client{lineClient, fastcgi(s.dir + "/script")} {
		if k.name == seen.Answer {
			kind = k
		}
	}
	found.Counts = s.pool(ctx, p, kind, "--preload="+s.o.Object, func(now status.Service) bool {
		return now.Counters.Requests != nil && *now.Counters.Requests == asked
	})
	if found.Counts {
		found.Template = s.pool(ctx, p, kind, "--template=preload", func(now status.Service) bool {
			return now.Template != nil && now.Template.Forks > 0 && now.Counters.Requests != nil && *now.Counters.Requests == asked
		})
	}
	return found
}

// asked is how many requests are made.
const asked = 3

// poolIn is how long all of it may take.
const poolIn = 6 * time.Second

// pool reports whether something is so of a service that has answered some requests.
func (s *sandbox) pool(ctx context.Context, p *protocol.Protocol, kind client, option string, is func(status.Service) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, poolIn)
	defer cancel()
	dir, err := os.MkdirTemp(s.dir, "pool-")
	if err != nil {
		return false
	}
	socket, asking := filepath.Join(dir, "s"), control.Client{Path: filepath.Join(dir, "c")}
	args := []string{
		"run", "--listen=" + socket, "--control=" + asking.Path, "--protocol=" + p.Name, "--limit=1", "--stop-timeout=1s", "--log-format=text",
		"--preload=" + s.o.Object, option, "--name=try", "--",
	}
	cmd := exec.CommandContext(ctx, s.o.Executable, append(append(args, s.o.Path), s.o.Command[1:]...)...)
	cmd.Stdout, cmd.Stderr = s.output, s.output
	cmd.SysProcAttr = &unix.SysProcAttr{Pdeathsig: unix.SIGKILL, Setpgid: true}
	if cmd.Start() != nil {
		return false
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
		endAll()
	}()
	for range asked {
		if !asks(ctx, socket, kind) {
			return false
		}
	}
	for ctx.Err() == nil {
		if now, err := asking.Status(ctx); err == nil && is(now) {
			return true
		}
		pause(ctx, 50*time.Millisecond)
	}
	return false
}

// asks makes one request, as soon as somebody is there.
func asks(ctx context.Context, socket string, kind client) bool {
	for ctx.Err() == nil {
		answered, _, err := request("unix", socket, kind, answerIn)
		if answered {
			return true
		}
		if errors.Is(err, errNoAnswer) {
			return false
		}
		pause(ctx, 20*time.Millisecond)
	}
	return false
}
