package spawn

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestAhead bears many that nobody waits for, each with a pipe of its own that
// is closed here at once: it gets there all the same, and nothing else does.
func TestAhead(t *testing.T) {
	all(t, func(t *testing.T) {
		c := &Command{Path: "/bin/sh", Args: []string{"-c", `echo $AVAILD_GENERATION; [ -e /proc/$$/fd/3 ] || echo no other`}, Ahead: true}
		type newborn struct {
			Process
			says *os.File
		}
		var all []newborn
		for i := range 20 {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p, err := c.Start(uint64(i), false, Handover{Files: []int{Null, int(w.Fd()), 2}})
			w.Close()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, newborn{p, r})
		}
		for i, n := range all {
			text, err := io.ReadAll(n.says)
			n.says.Close()
			generation, files, _ := strings.Cut(string(text), "\n")
			if err != nil || generation != strconv.Itoa(i) || files != "no other\n" {
				t.Errorf("newborn %d says %q, %v", i, text, err)
			}
			if end := await(t, n.Process); end != (End{}) {
				t.Errorf("newborn %d ended with %+v", i, end)
			}
		}
	})
}

// TestAheadWaits: the first birth, and any in a crowd.
func TestAheadWaits(t *testing.T) {
	if !isDirect() {
		t.Skip("no direct births on this architecture")
	}
	c := &Command{Path: "/bin/true", Ahead: true}
	first := c.waits()
	for range 2 {
		p, err := c.Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		await(t, p)
	}
	later := c.waits()
	c.crowd = manyFiles + 1
	if !first || later || !c.waits() {
		t.Errorf("waits at first %t, later %t, in a crowd %t", first, later, c.waits())
	}
	c.Ahead, c.crowd = false, 0
	if !c.waits() {
		t.Error("does not wait, though it was not told to go ahead")
	}
}

// TestAheadGroup signals the group of a newborn at once: it is not ours.
func TestAheadGroup(t *testing.T) {
	c := &Command{Path: "/bin/sleep", Args: []string{"60"}, Ahead: true}
	for range 50 {
		p, err := c.Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SignalGroup(unix.SIGTERM); err != nil {
			t.Error(err)
		}
		if end := await(t, p); end != (End{Signal: int(unix.SIGTERM)}) {
			t.Errorf("ended with %+v", end)
		}
	}
}

// TestAheadGone: what cannot be executed any more ends with a status that says so.
func TestAheadGone(t *testing.T) {
	all(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "worker")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		c := &Command{Path: path, Ahead: true}
		p, err := c.Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		if end := await(t, p); end != (End{}) {
			t.Errorf("ended with %+v", end)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		p, err = c.Start(2, false, standard)
		if err != nil {
			return // it was looked for before
		}
		if end := await(t, p); end != (End{Code: ExitExec}) {
			t.Errorf("ended with %+v, want status %d", end, ExitExec)
		}
	})
}
