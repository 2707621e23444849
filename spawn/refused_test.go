package spawn

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestRefused: where the kernel or a filter of system calls does not allow one
// way to be started, the worker is started another way.
func TestRefused(t *testing.T) {
	if !direct.Load() {
		t.Skip("no direct starts on this architecture")
	}
	for name, c := range map[string]struct {
		refused string
		direct  bool
		why     string // … of the trampoline
	}{
		"a filter of clone3":   {fmt.Sprintf("%d %d %d", unix.SYS_CLONE3, anything, unix.ENOSYS), true, ""},
		"a kernel before 5.9":  {fmt.Sprintf("%d %d %d", unix.SYS_CLOSE_RANGE, anything, unix.ENOSYS), false, "close_range: function not implemented"},
		"a kernel before 5.11": {fmt.Sprintf("%d %d %d", unix.SYS_CLOSE_RANGE, anything, unix.EINVAL), false, "close_range: invalid argument"},
		"a filter of clone": {
			fmt.Sprintf("%d %d %d,%d %d %d", unix.SYS_CLONE3, anything, unix.ENOSYS, unix.SYS_CLONE, cloneFlags, unix.EPERM),
			false, "clone: operation not permitted",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("SPAWN_TEST_REFUSE", c.refused)
			out := filepath.Join(t.TempDir(), "out")
			got := parentSays(t, "true", Command{Path: "/bin/sh", Args: []string{"-c", "echo $AVAILD_GENERATION > " + out}})
			why := "<nil>"
			if c.why != "" {
				why = "no direct starts here: " + c.why
			}
			if want := "exited with status 0 true <nil> " + wayNames[c.direct] + " " + why + "\n"; got != want {
				t.Errorf("the parent says %q, want %q", got, want)
			}
			if got := read(t, out); got != "7\n" {
				t.Errorf("the worker says %q", got)
			}
		})
	}
}

// anything stands for any first argument of a system call.
const anything = -1

// refuse makes a system call fail from now on, for all threads.
func refuse(text string) {
	var number, errno uint32
	var argument int
	if _, err := fmt.Sscan(text, &number, &argument, &errno); err != nil {
		panic(err)
	}
	const (
		load   = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
		equal  = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
		answer = unix.BPF_RET | unix.BPF_K
	)
	program := []unix.SockFilter{
		{Code: load, K: 0}, // seccomp_data.nr
		{Code: equal, K: number, Jf: 3},
		{Code: load, K: 16}, // the lower half of args[0]
		{Code: equal, K: uint32(argument), Jf: 1},
		{Code: answer, K: unix.SECCOMP_RET_ERRNO | errno},
		{Code: answer, K: unix.SECCOMP_RET_ALLOW},
	}
	if argument == anything {
		program[2], program[3] = program[4], program[4]
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_TSYNC,
		uintptr(unsafe.Pointer(&filter))); errno != 0 {
		fmt.Fprintln(os.Stderr, "seccomp:", errno)
		os.Exit(1)
	}
}
