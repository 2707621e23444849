package procfs

import (
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// FuzzFind reads any /proc/PID/cgroup: the unit that is found is a service or a socket,
// and its group is below the place where groups are mounted.
func FuzzFind(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add("0::/system.slice/web.service\n", true)
	f.Add("1:name=systemd:/user.slice/user@1000.service/app.slice/x.socket/y\n0::/\n", true)
	f.Add("12:pids:/../../web.service/..\n::\n:::a.service", true)
	f.Add("0::/a.service/../../../etc/b.service", true)
	f.Add("::../.service/i", true)
	f.Fuzz(func(t *testing.T, text string, exists bool) {
		u, err := find(text, func(string) bool { return exists })
		if err != nil {
			return
		}
		if !strings.HasSuffix(u.Name, ".service") && !strings.HasSuffix(u.Name, ".socket") || strings.Contains(u.Name, "/") {
			t.Fatalf("%q is no unit", u.Name)
		}
		if u.Dir != "" && !strings.HasPrefix(u.Dir, "/sys/fs/cgroup/") {
			t.Fatalf("the group of %q is %q", text, u.Dir)
		}
	})
}
