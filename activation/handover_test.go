package activation_test

import (
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
)

// TestHandOverOfMany: more descriptors than a variable has room for are handed over all
// the same, in a file.
func TestHandOverOfMany(t *testing.T) {
	list := make([]activation.Stored, 60) // with long names, as a test has few descriptors
	for i := range list {
		list[i] = activation.Stored{FD: regularFile(t), Name: strings.Repeat("availd.w.", 300) + strconv.Itoa(i)}
	}
	fd := list[59].FD
	variable, undo, err := activation.HandOver(list)
	must(t, err)
	name, value, _ := strings.Cut(variable, "=")
	if len(variable) > 1000 || isClosedOnExec(t, fd) {
		t.Errorf("%d bytes: %.100s", len(variable), variable)
	}
	t.Setenv(name, value)
	set, ok, err := activation.Inherited()
	must(t, err)
	if !ok || len(set.Stored) != len(list) || set.Stored[59] != list[59] {
		t.Errorf("%d of %d came over", len(set.Stored), len(list))
	}
	undo()
	if !isClosedOnExec(t, fd) {
		t.Error("it is not undone")
	}
	small, undo, err := activation.HandOver(list[:3])
	must(t, err)
	undo()
	if strings.Count(small, ":availd.w.") != 3 { // an earlier availd reads it, too
		t.Errorf("a short list: %s", small)
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
