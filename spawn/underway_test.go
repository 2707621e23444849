package spawn

import (
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// TestMany starts many at once, each with a pipe of its own that is closed here when
// its start is over: it gets there all the same, and nothing else does.
func TestMany(t *testing.T) {
	all(t, func(t *testing.T) {
		c := &Command{Path: "/bin/sh", Args: []string{"-c", `echo $AVAILD_GENERATION; [ -e /proc/$$/fd/3 ] || echo no other`}}
		type worker struct {
			Process
			says, given *os.File
		}
		var all []worker
		for i := range 20 {
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p, err := c.Start(uint64(i), false, Handover{Files: []int{Null, int(w.Fd()), 2}})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, worker{p, r, w})
		}
		for _, n := range all {
			if err := executed(t, n.Process); err != nil {
				t.Error(err)
			}
			n.given.Close()
		}
		for i, n := range all {
			text, err := io.ReadAll(n.says)
			n.says.Close()
			generation, files, _ := strings.Cut(string(text), "\n")
			if err != nil || generation != strconv.Itoa(i) || files != "no other\n" {
				t.Errorf("worker %d says %q, %v", i, text, err)
			}
			if end := await(t, n.Process); end != (policy.End{}) {
				t.Errorf("worker %d ended with %+v", i, end)
			}
		}
	})
}

// TestGroupAtOnce signals the group of a worker at once: it is not ours.
func TestGroupAtOnce(t *testing.T) {
	c := &Command{Path: "/bin/sleep", Args: []string{"60"}}
	for range 50 {
		p, err := c.Start(1, false, standard)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.SignalGroup(unix.SIGTERM); err != nil {
			t.Error(err)
		}
		if end := await(t, p); end != (policy.End{Signal: int(unix.SIGTERM)}) {
			t.Errorf("ended with %+v", end)
		}
	}
}
