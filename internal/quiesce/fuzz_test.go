package quiesce

import (
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/internal/procfs"

	"github.com/availd/availd/internal/testutil"
)

// FuzzInfo reads any link of a descriptor, any information of an io_uring or a Unix
// socket, and any call of a thread: what is not understood is never harmless.
func FuzzInfo(base *testing.F) {
	f := testutil.Fuzz(base)
	const ring = "pos:\t0\nSqMask:\t0x7\nUserFiles:\t2\n    0: <none>\n    1: socket:[77]\nUserBufs:\t0\nPollList:\n  op=13, task_works=0\nCqOverflowList:\n"
	f.Add("socket:[77]", ring, "43 0x3 0x0 0x0 0x0 0x0 0x0 0x7ffd 0x7f00\n")
	f.Add("socket:[18446744073709551616]", "scm_fds: 1\n", "running")
	f.Add("socket:[", "scm_fds:", "-1 0x0 0x0")
	f.Add("socket:[1]]", "\nUserFiles:\t\n 1: socket:[5]\n\nUserBufs:\nPollList:\n", "1 2 3 4 5 6 7 8 9")
	l := &Looker{ours: map[uint64]bool{77: true}}
	f.Fuzz(func(t *testing.T, link, info, call string) {
		if inode, ok := procfs.SocketInode(link); !ok && inode != 0 || ok && !strings.Contains(link, strconv.FormatUint(inode, 10)) {
			t.Fatalf("%q is taken for %d", link, inode)
		}
		_ = passesIn(info)
		if l.ringOf(info) == harmless && (!strings.Contains(info, "\nUserFiles:\t") || !strings.Contains(info, "\nPollList:\n")) {
			t.Fatalf("%q is harmless", info)
		}
		_, _ = procfs.ParseCall(call)
	})
}
