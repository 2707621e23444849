package spawn

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestLong: arguments and environments may be as long as the kernel allows, and
// one that is longer is refused with the kernel's word. A short one after a
// long one finds nothing of it.
func TestLong(t *testing.T) { all(t, testLong) }

func testLong(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	long := strings.Repeat("x", 120<<10) // below MAX_ARG_STRLEN of execve(2)
	for _, c := range []struct {
		text, want string
	}{{long, "122880 122880 122880"}, {"", "0 0 0"}} {
		command := Command{
			Environ: []string{"PATH=" + os.Getenv("PATH"), "OURS=" + c.text}, Args: []string{out, c.text},
		}
		h := Handover{Files: standard.Files, Env: []string{"THEIRS=" + c.text}}
		started(t, command, h, `echo "${#OURS} ${#THEIRS} ${#1}" > "$0"`, 1, false)
		if got := strings.TrimSpace(read(t, out)); got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	tooLong := Command{Path: "/bin/sh", Args: []string{long + long}}
	p, err := tooLong.Start(1, false, standard)
	if err == nil {
		err = executed(t, p)
		await(t, p)
	}
	if !errors.Is(err, unix.E2BIG) {
		t.Errorf("got %v, want %v", err, unix.E2BIG)
	}
}

// TestStress: the variable is there, and empty, without stress.
func TestStress(t *testing.T) {
	all(t, func(t *testing.T) {
		for stress, want := range map[bool]string{true: "set yes\n", false: "set \n"} {
			out := filepath.Join(t.TempDir(), "out")
			started(t, Command{Environ: os.Environ()}, standard, `echo "${AVAILD_STRESS+set} $AVAILD_STRESS" > `+out, 1, stress)
			if got := read(t, out); got != want {
				t.Errorf("stress %t: got %q, want %q", stress, got, want)
			}
		}
	})
}

// TestStartAllocates a few small things: the two lists of strings, the
// generation, and what the table of descriptors is worked out with.
func TestStartAllocates(t *testing.T) {
	if !direct.Load() {
		t.Skip("no direct starts on this architecture")
	}
	c := Command{Path: "/bin/true", Environ: os.Environ()}
	h := Handover{Files: []int{Null, 1, 2}, Env: []string{"LISTEN_FDS=0"}, PIDs: []string{"LISTEN_PID"}}
	got := testing.AllocsPerRun(20, func() {
		p, err := c.Start(1, false, h)
		if err != nil {
			t.Fatal(err)
		}
		await(t, p)
	})
	if want := 8.0; got > want {
		t.Errorf("%v allocations for a start, want at most %v", got, want)
	}
}
