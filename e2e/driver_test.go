//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/machine"
)

// With envDriver set to a tree, this binary is a driver to be killed.
const envDriver = "AVAILD_E2E_DRIVER"

// drive boots the tree, says the pid of its PID 1 and waits for its end.
func drive(tree string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	m, err := machine.Boot(ctx, machine.Config{Name: "killed", Tree: tree})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(m.Leader())
	_, _ = os.Stdin.Read(make([]byte, 1)) // until killed
	os.Exit(1)
}

// TestDriverKilled kills a driver, as the end of a job's time or an operator
// would: its machine dies with it.
func TestDriverKilled(t *testing.T) {
	t.Parallel()
	ctx := deadline(t)
	driver := exec.CommandContext(ctx, os.Args[0])
	driver.Env = append(os.Environ(), envDriver+"="+systemd252.tree(ctx, t))
	driver.Stderr = t.Output()
	in, err := driver.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	said, _ := bufio.NewReader(out).ReadString('\n')
	leader, err := strconv.Atoi(strings.TrimSpace(said))
	if err != nil {
		t.Errorf("boot a machine: %s", said)
	}
	fd, pidfdErr := unix.PidfdOpen(leader, 0) // before the kill: afterwards the pid is anybody's
	_ = driver.Process.Kill()
	_ = driver.Wait() // it was killed
	if err != nil {
		return
	}
	if pidfdErr != nil {
		t.Fatalf("open pid %d: %v", leader, pidfdErr)
	}
	defer unix.Close(fd)
	if !ends(t, fd, 10*time.Second) {
		t.Errorf("the machine (pid %d) outlives its driver", leader)
		_ = unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0)
	}
}

// ends waits for the end of a process, which makes its pidfd readable,
// pidfd_open(2).
func ends(t *testing.T, pidfd int, timeout time.Duration) bool {
	until := time.Now().Add(timeout)
	for {
		fds := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, int(time.Until(until).Milliseconds()))
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			t.Fatal(os.NewSyscallError("poll", err))
		}
		return n == 1
	}
}
