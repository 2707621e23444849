//go:build e2e

package guest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// TestMachine is about the machine and the harness, without availd: when it
// fails, the other scenarios say nothing about availd.
func TestMachine(t *testing.T) {
	t.Run("systemd", machineSystemd)
	t.Run("cgroup", machineCgroup)
	t.Run("network", machineNetwork)
	t.Run("unit", machineUnit)
}

func machineSystemd(t *testing.T) {
	want, err := strconv.Atoi(os.Getenv(harness.EnvSystemd))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(harness.Systemctl(t, "--version")) // "systemd 252 (252.39-1~deb12u1) …"
	if got, err := strconv.Atoi(fields[1]); err != nil || got < want || (want == 252 && got != want) {
		t.Errorf("systemd is %q, want %d", fields[1], want)
	}
	if init := (harness.Process{PID: 1}); !strings.HasSuffix(init.Exe(), "/lib/systemd/systemd") {
		t.Errorf("pid 1 is %q", init.Exe())
	}
	if failed := harness.Systemctl(t, "--failed", "--no-legend"); failed != "" {
		t.Errorf("booted with failed units:\n%s", failed)
	}
	harness.AwaitJournal(t, "init.scope", "Startup finished", 1)
}

func machineCgroup(t *testing.T) {
	var fs unix.Statfs_t
	want := int64(unix.CGROUP2_SUPER_MAGIC)
	if os.Getenv(harness.EnvV1) == "true" {
		want = unix.CGROUP_SUPER_MAGIC
	}
	if err := unix.Statfs(harness.SystemSlice(), &fs); err != nil || fs.Type != want {
		t.Errorf("%s has type %#x, %v; want %#x", harness.SystemSlice(), fs.Type, err, want)
	}
	if _, err := os.Stat(harness.SystemSlice() + "/dbus.service/cgroup.procs"); err != nil {
		t.Errorf("services are not where they are looked for: %v", err)
	}
}

func machineNetwork(t *testing.T) {
	interfaces, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range interfaces {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			t.Errorf("%s is up: the machine is not alone", i.Name)
		}
	}
	l, err := net.Listen("tcp", "localhost:80") // a name, and a port that the host may use
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}

// acceptLoop is a worker as unmodified programs are: it accepts on descriptor
// 3 and answers with its pid.
const acceptLoop = `import os, socket
s = socket.socket(fileno=3)
print("accepting", flush=True)
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"HTTP/1.0 200 OK\r\n\r\n%d" % os.getpid())
    c.close()
`

// machineUnit is a pair of systemd's own: a socket that starts one process.
func machineUnit(t *testing.T) {
	program := filepath.Join(t.TempDir(), "loop.py")
	if err := os.WriteFile(program, []byte(acceptLoop), 0o644); err != nil {
		t.Fatal(err)
	}
	addr := harness.Addr(harness.Port())
	u := harness.Install(t, "machine-unit",
		"[Socket]\nListenStream="+addr+"\n",
		fmt.Sprintf("[Service]\nExecStart=/usr/bin/python3 %s\n", program))
	if state := u.Show("ActiveState"); state != "inactive" {
		t.Fatalf("%s before the first connection", state)
	}
	sampler := u.Sample()
	load := harness.Load{URL: "http://" + addr + "/", Clients: 4}
	pid, err := load.Get()
	if err != nil || pid != strconv.Itoa(u.Main().PID) {
		t.Errorf("pid %q answered, %v; the main pid is %d", pid, err, u.Main().PID)
	}
	running := load.Start()
	harness.WaitFor(t, "200 answers", harness.Patience, func() bool { ok, failed := running.Done(); return ok+failed >= 200 })
	result := running.Stop()
	t.Logf("%v", result)
	seen := sampler.Stop()
	t.Logf("sampler: %+v", seen)
	if result.Failed != 0 || result.OK < 200 {
		t.Errorf("%v", result)
	}
	if seen.Max != 1 || len(seen.Pids) != 1 || strconv.Itoa(seen.Pids[0]) != pid {
		t.Errorf("sampler saw %+v, want pid %s alone", seen, pid)
	}
	if curl := harness.MustRun(t, "curl", "-sS", load.URL); curl != pid {
		t.Errorf("curl got %q, want %s", curl, pid)
	}
	harness.AwaitJournal(t, u.Service(), "accepting", 1)
	u.Stop()
	if left := u.Processes(); len(left) != 0 || u.Main().PID != 0 {
		t.Errorf("after the stop: %v", left)
	}
	if state := harness.Show(t, u.Socket(), "SubState"); state != "listening" {
		t.Errorf("the socket is %s after the service's stop", state)
	}
}
