//go:build e2e

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// startMaster runs Postfix's master(8) with one service on the port, which is
// postfixd under the given name, of at most limit processes.
func startMaster(t *testing.T, port, limit int, name string) *rig.Server {
	t.Helper()
	dir := scratch(t)
	for _, d := range []string{"queue/pid", "data", "libexec"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(postfixd, filepath.Join(dir, "libexec", name)); err != nil {
		t.Fatal(err)
	}
	harness.MustRun(t, "chown", "postfix", filepath.Join(dir, "data"))
	write(t, dir, "main.cf", fmt.Sprintf(`compatibility_level = 3.6
queue_directory = %[1]s/queue
data_directory = %[1]s/data
daemon_directory = %[1]s/libexec
inet_interfaces = loopback-only
inet_protocols = ipv4
maillog_file = %[1]s/log
maillog_file_prefixes = /run
`, dir))
	write(t, dir, "master.cf", fmt.Sprintf("127.0.0.1:%d inet n - n - %d %s\n", port, limit, name))
	return rig.StartListening(t, port, nil, "/usr/lib/postfix/sbin/master", "-c", dir, "-d")
}
