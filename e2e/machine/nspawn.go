package machine

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// nspawnCommand prepares systemd-nspawn for a machine whose notices go to the
// socket at notify.
func nspawnCommand(c Config, groups cgroups, notify string) *exec.Cmd {
	args := []string{
		"--quiet", "--boot", "--directory=" + c.Tree,
		"--machine=" + ownName(c.Name),
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
	cmd := exec.Command("/bin/sh", append([]string{"-c", prelude(groups), "sh"}, args...)...)
	cmd.Env = []string{
		"PATH=" + os.Getenv("PATH"),
		"NOTIFY_SOCKET=" + notify,
	}
	if !c.V1 {
		cmd.Env = append(cmd.Env, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1") // cgroup v2 also on hybrid hosts
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, // Ctrl-C is for the test, which stops the machine
		// A killed nspawn (252) leaves its container running. As PID 1 of a
		// namespace it cannot: the kernel kills all that is in it, the
		// machine's own namespace included, pid_namespaces(7).
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS, // for that namespace's /proc
	}
	return cmd
}

// prelude is the shell's part before nspawn. nspawn puts the machine's groups
// below its own, so it must be in the right ones before it starts; clone3(2)
// could do that for v2 only. Written to cgroup.procs, 0 is the writer.
func prelude(groups cgroups) string {
	var text strings.Builder
	text.WriteString("mount -t proc proc /proc || exit 1\n")
	for _, dir := range groups {
		fmt.Fprintf(&text, "echo 0 >'%s/cgroup.procs' || exit 1\n", dir)
	}
	text.WriteString("exec systemd-nspawn \"$@\"\n")
	return text.String()
}

// leaderPID translates the pid of a machine's PID 1 from the namespace that
// nspawn is PID 1 of to the host's.
func leaderPID(nspawn, inner int) (int, error) {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", nspawn, nspawn))
	if err != nil {
		return 0, err
	}
	want := fmt.Sprintf("%d 1", inner)
	for child := range strings.FieldsSeq(string(children)) {
		status, _ := os.ReadFile("/proc/" + child + "/status") // gone is no match
		for line := range strings.Lines(string(status)) {
			pids, ok := strings.CutPrefix(line, "NSpid:") // outermost first, proc_pid_status(5)
			if ok && strings.Join(strings.Fields(pids), " ") == child+" "+want {
				return strconv.Atoi(child)
			}
		}
	}
	return 0, fmt.Errorf("find the machine's pid 1: systemd-nspawn (pid %d) has no child that is %d there", nspawn, inner)
}
