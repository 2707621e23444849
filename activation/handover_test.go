package activation_test

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
)

// TestHandOverIsBounded: more descriptors than a variable can name would keep the
// next image from being executed at all, so the last ones stay close-on-exec.
func TestHandOverIsBounded(t *testing.T) {
	first, last := regularFile(t), regularFile(t)
	list := make([]activation.Stored, 10_000, 10_001)
	for i := range list {
		list[i] = activation.Stored{FD: first, Name: "availd.w.123456789"}
	}
	variable, undo, err := activation.HandOver(append(list, activation.Stored{FD: last, Name: "last"}))
	must(t, err)
	if n := strings.Count(variable, ":availd.w."); len(variable) >= 128<<10 || n < 4000 || strings.Contains(variable, "last") {
		t.Errorf("%d descriptors in %d bytes", n, len(variable))
	}
	if isClosedOnExec(t, first) || !isClosedOnExec(t, last) {
		t.Error("it is not those that are named which are handed over")
	}
	undo()
	if !isClosedOnExec(t, first) {
		t.Error("it is not undone")
	}
}

const handOver = "AVAILD_HANDOVER"

// TestHandedOver: by this process itself, before its exec. What another process
// has left in the environment counts for nothing.
func TestHandedOver(t *testing.T) {
	fd := tcp4(t, 127, 0, 0, 1)
	for _, test := range []struct {
		env  []string
		want bool
	}{
		{[]string{handOver + "=self:3:web"}, true},
		{append(table("web"), handOver+"=1:3:other"), false},
	} {
		o := activate(t, []int{fd}, test.env...)
		if o.Error != "" || !o.Activated || len(o.Set.Workers) != 1 || o.Set.Workers[0].Name != "web" || o.Set.HandedOver != test.want {
			t.Errorf("%q: got %+v", test.env, o)
		}
		if len(o.Left) != 0 {
			t.Errorf("%q: left in the environment: %q", test.env, o.Left)
		}
	}
}

func isClosedOnExec(t *testing.T, fd int) bool {
	t.Helper()
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
	must(t, err)
	return flags&unix.FD_CLOEXEC != 0
}
