package inspect

import (
	"testing"

	"github.com/availd/availd/internal/procfs"

	"github.com/availd/availd/internal/testutil"
)

// FuzzThread reads any /proc/PID/task/TID/syscall of a process whose memory cannot be
// read: only a call that names a listening descriptor itself is a wait at a socket.
func FuzzThread(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add("43 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("7 0x7f00 0xffffffffffffffff 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("7 0x0 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("23 0x400 0x10 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("232 0xffffffff00000005 0x10 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("running\n")
	f.Add("-1 0x7ffd 0x7f00\n")
	p := process{pid: -1, listens: map[int]bool{3: true, 5: true}}
	f.Fuzz(func(t *testing.T, text string) {
		c, waits := procfs.ParseCall(text)
		if !waits {
			return
		}
		if w, what := p.thread(c); w == atSocket && what != accepts {
			t.Fatalf("%q waits at a socket", text)
		}
	})
}
