//go:build e2e

package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// tried is a program of docs/programs.md, and what that page says of it.
type tried struct {
	name     string
	command  []string
	protocol string
	options  []string
}

// tries are run with the directory of their files.
func tries(dir string) []tried {
	in := func(words ...string) string { return filepath.Join(append([]string{harness.Examples}, words...)...) }
	return []tried{
		{"php-cgi", []string{"/usr/bin/php-cgi"}, "fastcgi", []string{"--retire-signal=TERM"}},
		{"fcgiwrap", []string{"/usr/sbin/fcgiwrap"}, "fastcgi", nil},
		{"gunicorn", []string{"/usr/bin/python3", in("gunicorn", "worker.py"), "--chdir=" + dir, "app:application"}, "queue", []string{"--retire-signal=TERM"}},
		{"socketserver", []string{"/usr/bin/python3", in("socketserver", "worker.py")}, "queue", nil},
		{"git", []string{"/usr/bin/git", "-c", "safe.directory=*", "daemon", "--inetd", "--export-all", "--base-path=/srv/git"}, "inetd", nil},
		{"rsync", []string{"/usr/bin/rsync", "--daemon", "--config=" + dir + "/rsyncd.conf"}, "inetd", nil},
		{"sshd", []string{"/usr/sbin/sshd", "-i"}, "inetd", nil},
		{"cat", []string{"/bin/cat"}, "inetd", nil},
		{"http-perl", []string{"/usr/bin/perl", in("http-perl", "worker.pl")}, "notify", nil},
		{"http-ruby", []string{"/usr/bin/ruby", in("http-ruby", "worker.rb")}, "notify", nil},
		{"http-asyncio", []string{"/usr/bin/python3", in("http-asyncio", "worker.py"), "10"}, "notify", nil},
	}
}

// TestTry: of every program of docs/programs.md availd try recommends what that page does,
// and leaves nothing of it behind.
func TestTry(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(filesRoot, "try")
	mustScript(t, `mkdir -p "$1" /run/sshd /srv/git
printf 'use chroot = no\npid file = %s/pid\n[pub]\npath = /srv\n' "$1" >"$1/rsyncd.conf"
cat >"$1/app.py" <<END
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done\n"]
END`, dir)
	t.Cleanup(func() { os.RemoveAll(dir) })
	for _, p := range tries(dir) {
		t.Run(p.name, func(t *testing.T) { p.run(t) })
	}
	// A program of another user, and nothing that is left of any.
	if out := harness.MustRun(t, harness.Availd, "try", "--user=nobody", "--", "/bin/cat"); !strings.Contains(out, "protocol inetd") {
		t.Errorf("as nobody: %s", out)
	}
	if out, err := harness.Run("pgrep", "-f", "try/rsyncd.conf|availd-try"); err == nil {
		t.Errorf("left behind: %s", out)
	}
}

func (p tried) run(t *testing.T) {
	t.Helper()
	begin := time.Now()
	out, err := harness.Run(append([]string{"env", "-C", "/var/tmp", harness.Availd, "try", "--format=json", "--"}, p.command...)...)
	took := time.Since(begin)
	var said struct {
		Advice struct {
			Protocol string
			Options  []string
		}
		Units string
	}
	if failed := json.Unmarshal([]byte(out), &said); err != nil || failed != nil {
		t.Fatalf("%v, %v: %s", err, failed, out)
	}
	t.Logf("%v: %s", took.Round(10*time.Millisecond), said.Units)
	if said.Advice.Protocol != p.protocol || !slices.Equal(said.Advice.Options, p.options) {
		t.Errorf("recommends %s %q, want %s %q: %s", said.Advice.Protocol, said.Advice.Options, p.protocol, p.options, out)
	}
	if took > harness.Patience { // on a machine at rest it is 10 s at most
		t.Errorf("took %v", took)
	}
}

// postfixTried: a daemon of Postfix is known to be one by what it does.
func postfixTried(t *testing.T) {
	t.Helper()
	out, err := harness.Run("env", "-C", "/var/spool/postfix", harness.Availd, "try", "--",
		"/usr/lib/postfix/sbin/smtpd", "-n", "smtp", "-t", "inet", "-u", "-c", "-o", "stress=")
	if err != nil || !strings.Contains(out, "protocol postfix") || !strings.Contains(out, "busy and idle yes") {
		t.Errorf("%v: %s", err, out)
	}
}
