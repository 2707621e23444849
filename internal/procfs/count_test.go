package procfs

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestCountFiles: both ways of counting see what is opened and closed.
func TestCountFiles(t *testing.T) {
	c, err := CountFiles(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, sized := range []bool{true, false} {
		if sized && !c.sized {
			t.Log("this kernel does not tell the number by the size of the directory")
			continue
		}
		c.sized = sized
		before := c.Count()
		var more [300]int
		for i := range more {
			more[i], err = unix.Dup(0)
			if err != nil {
				t.Fatal(err)
			}
		}
		during := c.Count()
		for _, fd := range more {
			_ = unix.Close(fd)
		}
		if after := c.Count(); before == 0 || during != before+len(more) || after != before {
			t.Errorf("sized %t: %d, then %d with %d more, then %d", sized, before, during, len(more), after)
		}
	}
}
