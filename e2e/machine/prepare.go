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

// needed maps the programs this package runs to the Debian packages that have
// them.
var needed = []struct{ program, pkg string }{
	{"systemd-nspawn", "systemd-container"},
	{"debootstrap", "debootstrap"},
	{"unshare", "util-linux"},
	{"nsenter", "util-linux"},
}

// Prepare checks that this host can boot machines, and as root installs what
// is missing with apt-get(8).
func Prepare(ctx context.Context) error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: systemd-nspawn needs root", ErrUnavailable)
	}
	packages := missing()
	if len(packages) == 0 {
		return nil
	}
	// On a host that is no Debian, debootstrap cannot check signatures without
	// the keys.
	packages = append(packages, "debian-archive-keyring")
	update := []string{"update"}
	install := append([]string{"install", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"}, packages...)
	for _, args := range [][]string{update, install} {
		if err := aptGet(ctx, args...); err != nil {
			return fmt.Errorf("%w: install %s: %w", ErrUnavailable, strings.Join(packages, " "), err)
		}
	}
	return nil
}

func missing() []string {
	var packages []string
	for _, n := range needed {
		if _, err := exec.LookPath(n.program); err != nil {
			packages = append(packages, n.pkg)
		}
	}
	return packages
}

func aptGet(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, "apt-get", args...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	// Interrupted, dpkg leaves a package half configured: it may finish.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run apt-get %s: %w\n%s", args[0], err, tail(string(out), 10))
	}
	return nil
}
