package machine

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// debootstrap makes a tree from nothing.
func (c Cache) debootstrap(ctx context.Context, r Recipe, dir string) error {
	args := []string{
		"debootstrap", "--variant=minbase",
		"--include=" + strings.Join(r.Packages, ","), r.Suite, dir,
	}
	if mirror := c.mirror(); mirror != "" {
		args = append(args, mirror)
	}
	if err := isolated(ctx, "/proc", args...); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return nil
}

func (c Cache) mirror() string {
	if c.Mirror != "" {
		return c.Mirror
	}
	return hostMirror("/")
}

// isolated runs a command that mounts things and starts processes, in mount
// and pid namespaces of its own: whatever way it ends, none of them outlives
// it. proc is where its pid namespace's procfs(5) is mounted.
func isolated(ctx context.Context, proc string, args ...string) error {
	own := []string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc=" + proc, "--"}
	cmd := exec.CommandContext(ctx, "unshare", append(own, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.WaitDelay = 10 * time.Second
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := start(cmd)
	if err != nil {
		return err
	}
	if err := p.wait(); err != nil {
		return fmt.Errorf("run %s: %w\n%s", args[0], err, tail(out.String(), 15))
	}
	return nil
}

// tail is the last n lines of a text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
