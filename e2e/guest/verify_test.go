//go:build e2e

package guest

import (
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// mostExposure is what systemd-analyze security may say of a service whose
// workers need only their socket: from 0 to 10, and 2.0 is still OK.
const mostExposure = 2.0

var exposure = regexp.MustCompile(`Overall exposure level for \S+: ([0-9.]+)`)

// TestUnitsOfThisSystemd has the systemd that will read them look at generated
// units: written for it, and for the oldest.
func TestUnitsOfThisSystemd(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]string{
		"own version": {"--listen", "127.0.0.1:80", protocol},
		"oldest":      {"--systemd", "252", "--listen", "127.0.0.1:80"},
		"path":        {"--listen", "/run/verify.sock", "--socket-group", "www-data", "--protocol", "inetd"},
		"user":        {"--listen", "80", "-p", "User=daemon", "--min-spare", "2", "--protocol", "notify"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			args := append([]string{harness.Availd, "units", "--binary", harness.Availd, "--output", dir}, options...)
			harness.MustRun(t, append(args, "verify", "--", "/bin/cat")...)
			socket, service := filepath.Join(dir, "verify.socket"), filepath.Join(dir, "verify.service")
			// Unknown settings are only printed, and the status is good.
			if out := harness.MustRun(t, "systemd-analyze", "verify", "--man=no", socket, service); out != "" {
				t.Errorf("verify says:\n%s", out)
			}
			out := harness.MustRun(t, "systemd-analyze", "security", "--offline=true", service)
			level := exposure.FindStringSubmatch(out)
			if level == nil {
				t.Fatalf("no exposure level in:\n%s", out)
			}
			t.Logf("exposure %s", level[1])
			if n, err := strconv.ParseFloat(level[1], 64); err != nil || n > mostExposure {
				t.Errorf("exposure %s, want at most %v", level[1], mostExposure)
			}
		})
	}
}

// userRuntime is the runtime directory of the user daemon's own service manager.
const userRuntime = "/run/daemons-own"

// asDaemon runs a command of the user daemon, beside that service manager.
func asDaemon(t *testing.T, args ...string) string {
	t.Helper()
	return harness.MustRun(t, append([]string{
		"setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups",
		"env", "XDG_RUNTIME_DIR=" + userRuntime, "HOME=" + userRuntime,
	}, args...)...)
}

// TestUserManager: a pool of a user's own service manager, which is started
// without a session, as the trees have no PAM module for one.
func TestUserManager(t *testing.T) {
	t.Parallel()
	harness.MustRun(t, "systemd-run", "--unit=daemons-own", "--uid=daemon", "--property=Type=notify", "--property=Delegate=yes",
		"--property=RuntimeDirectory=daemons-own", "--setenv=XDG_RUNTIME_DIR="+userRuntime, "/lib/systemd/systemd", "--user")
	t.Cleanup(func() { harness.Systemctl(t, "stop", "daemons-own.service") })
	addr := harness.Addr(harness.Port())
	worker := filepath.Join(harness.Workers, "http-c")
	asDaemon(t, "mkdir", "-p", userRuntime+"/systemd/user")
	asDaemon(t, harness.Availd, "units", "--user", "--binary", harness.Availd, "--listen", addr, protocol,
		"--output", userRuntime+"/systemd/user", "mine", "--", worker)
	asDaemon(t, "systemctl", "--user", "daemon-reload")
	asDaemon(t, "systemctl", "--user", "start", "mine.socket")
	load := harness.Load{URL: "http://" + addr, Clients: 4}
	requests(t, load, 20)
	asDaemon(t, "systemctl", "--user", "reload", "mine.service")
	requests(t, load, 20)
	if out := asDaemon(t, harness.Availd, "status", "mine"); !strings.Contains(out, "mine") {
		t.Errorf("availd status of the user shows\n%s", out)
	}
	asDaemon(t, "systemctl", "--user", "stop", "mine.socket", "mine.service")
}
