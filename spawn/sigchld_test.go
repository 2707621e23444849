package spawn

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// caught reports whether this process has a handler for a signal.
func caught(t *testing.T, sig unix.Signal) bool {
	t.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "SigCgt:\t")
	mask, err := strconv.ParseUint(rest[:16], 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return mask>>(sig-1)&1 == 1
}

// restore returns what puts the present action of a signal back.
func restore(t *testing.T, sig unix.Signal) func() {
	t.Helper()
	action := new([4]uint64)
	act := func(set, get unsafe.Pointer) {
		if _, _, errno := unix.Syscall6(unix.SYS_RT_SIGACTION, uintptr(sig), uintptr(set), uintptr(get), 8, 0, 0); errno != 0 {
			t.Fatal(errno)
		}
	}
	act(nil, unsafe.Pointer(action))
	return func() { act(unsafe.Pointer(action), nil) }
}

// TestIgnoreSIGCHLD: no handler, and children are collected all the same.
func TestIgnoreSIGCHLD(t *testing.T) {
	if !caught(t, unix.SIGCHLD) {
		t.Fatal("there was no handler to take back")
	}
	defer restore(t, unix.SIGCHLD)()
	if err := IgnoreSIGCHLD(); err != nil {
		t.Fatal(err)
	}
	if caught(t, unix.SIGCHLD) {
		t.Error("the handler is still there")
	}
	for range 2 { // what is put back is the handler, whatever was there before
		if err := HearSIGCHLD(); err != nil || !caught(t, unix.SIGCHLD) {
			t.Fatalf("the handler is not back (%v)", err)
		}
		if err := IgnoreSIGCHLD(); err != nil || caught(t, unix.SIGCHLD) {
			t.Fatalf("the handler is still there (%v)", err)
		}
	}
	p, err := (&Command{Path: "/bin/sh", Args: []string{"-c", "exit 7"}, Environ: os.Environ()}).Start(1, false, standard)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(await(t, p)); got != fmt.Sprint(policy.End{Code: 7}) {
		t.Errorf("the child's end is %s, want status 7", got)
	}
}
