package survivors

import (
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestHeir: only a process that is younger than the worker, has the socket, and comes
// from nobody known is one that a worker has left in its place.
func TestHeir(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	sockets := map[uint64]bool{st.Ino: true}
	sleeper := func(files ...*os.File) int {
		cmd := exec.Command("sleep", "60")
		cmd.ExtraFiles = files
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		return cmd.Process.Pid
	}
	none := func(int) bool { return false }
	before := sleeper() // the worker
	without := sleeper()
	if pid, fd, ok := Heir(before, sockets, time.Hour, none); ok {
		_ = unix.Close(fd)
		t.Fatalf("process %d has not got the socket (%d has none)", pid, without)
	}
	with := sleeper(file)
	pid, fd, ok := Heir(before, sockets, time.Minute, none)
	if !ok || pid != with {
		t.Fatalf("found %d, %t, want %d", pid, ok, with)
	}
	_ = unix.Close(fd)
	for name, known := range map[string]func(int) bool{
		"known":            func(pid int) bool { return pid == with },
		"a child of known": func(pid int) bool { return pid == os.Getpid() },
	} {
		if pid, fd, ok := Heir(before, sockets, time.Minute, known); ok {
			_ = unix.Close(fd)
			t.Errorf("found %d, which is %s", pid, name)
		}
	}
	if pid, fd, ok := Heir(with, sockets, time.Minute, none); ok && pid == with && with > firstPID {
		_ = unix.Close(fd)
		t.Errorf("found %d of a worker that was started after it, %d", pid, with)
	}
	for until := time.Now().Add(10 * time.Second); ; { // it grows older than a worker of no age
		pid, fd, ok := Heir(before, sockets, 0, none)
		if !ok {
			break
		}
		_ = unix.Close(fd)
		if time.Now().After(until) {
			t.Fatalf("found %d, which is older than the worker", pid)
		}
	}
}
