package machine

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// nspawnCommand prepares systemd-nspawn for a machine whose notices go to the
// socket at notify.
func nspawnCommand(c Config, groups cgroups, notify string) *exec.Cmd {
	args := []string{
		"--quiet", "--boot", "--directory=" + c.Tree,
		"--machine=" + fmt.Sprintf("%s%s-%d", cgroupPrefix, c.Name, os.Getpid()),
		"--volatile=overlay",           // writes go to a tmpfs: the tree is shared
		"--private-network",            // a loopback of its own, so that ports are free
		"--register=no", "--keep-unit", // the host may have no systemd
		"--kill-signal=SIGRTMIN+3", // halt, systemd(1)
		"--notify-ready=yes",       // see notices
		"--console=read-only",      // output only: there is no terminal
	}
	for _, b := range c.Binds {
		args = append(args, "--bind-ro="+b.Host+":"+b.Guest)
	}
	// nspawn puts the machine's groups below its own, so it must be in the
	// right ones before it starts; clone3(2) could do that for v2 only.
	var join strings.Builder
	for _, dir := range groups {
		fmt.Fprintf(&join, "echo $$ >'%s/cgroup.procs' || exit 1\n", dir)
	}
	join.WriteString("exec systemd-nspawn \"$@\"\n")
	cmd := exec.Command("/bin/sh", append([]string{"-c", join.String(), "sh"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"NOTIFY_SOCKET=" + notify,
		"SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1", // cgroup v2 also on hybrid hosts
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C is for the test, which stops the machine
	return cmd
}
