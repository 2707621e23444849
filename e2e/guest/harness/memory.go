package harness

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// MemoryGroup is a control group whose processes may take so much memory together. Machines
// have no memory controller of their own where that of the host is one of cgroup v1, as on
// hybrid hosts: then it is a group of that hierarchy, which is mounted for it.
type MemoryGroup struct {
	dir    string
	counts string // the file that has oom_kill
}

// NewMemoryGroup makes one that is there until the end of the test; nil: the kernel has no
// memory controller that could be used. What is started in it has to have ended by then, so a
// unit is installed later.
func NewMemoryGroup(t testing.TB, name string, limit int64) *MemoryGroup {
	t.Helper()
	g := MemoryGroup{filepath.Join("/sys/fs/cgroup", name), "memory.events"}
	file := "memory.max"
	controllers, _ := os.ReadFile("/sys/fs/cgroup/cgroup.subtree_control")
	if !strings.Contains(" "+string(controllers)+" ", " memory ") {
		root := t.TempDir()
		if err := unix.Mount("cgroup", root, "cgroup", 0, "memory"); err != nil {
			t.Logf("the memory is not limited: %v", os.NewSyscallError("mount cgroup", err))
			return nil
		}
		t.Cleanup(func() {
			if err := unix.Unmount(root, 0); err != nil {
				t.Error(os.NewSyscallError("umount "+root, err))
			}
		})
		g, file = MemoryGroup{filepath.Join(root, fmt.Sprint(name, "-", os.Getpid())), "memory.oom_control"}, "memory.limit_in_bytes"
	}
	if err := os.Mkdir(g.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		var err error
		WaitFor(t, "the memory of "+name+" to be nobody's", Patience, func() bool {
			err = unix.Rmdir(g.dir)
			return !errors.Is(err, unix.EBUSY)
		})
		if err != nil {
			t.Error(os.NewSyscallError("rmdir "+g.dir, err))
		}
	})
	g.write(t, file, strconv.FormatInt(limit, 10))
	return &g
}

func (g *MemoryGroup) write(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(g.dir, file), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// Add has a process, and what it starts from now on, be of the group.
func (g *MemoryGroup) Add(t testing.TB, p Process) {
	t.Helper()
	g.write(t, "cgroup.procs", strconv.Itoa(p.PID))
}

// Killed is how many processes the kernel has killed for want of memory.
func (g *MemoryGroup) Killed(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, g.counts))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if count, is := strings.CutPrefix(line, "oom_kill "); is {
			n, err := strconv.Atoi(strings.TrimSpace(count))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s of the kernel has no oom_kill:\n%s", g.counts, text)
	return 0
}

// Has is how many processes are in it.
func (g *MemoryGroup) Has() int {
	text, _ := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	return strings.Count(string(text), "\n")
}
