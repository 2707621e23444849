//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/e2e/machine"
	"github.com/availd/availd/internal/status"
)

// everyFile lists what a package could leave behind. What is below /run goes with
// the next boot: systemd leaves the link of a RuntimeDirectory= there.
const everyFile = `find /etc /usr /var/lib/dpkg/info /var/lib/systemd/catalog 2>/dev/null | sort`

// clients is a load of four clients. It says that it has begun, goes on until
// /run/enough is there, and then says how it went.
const clients = `
import os, threading, urllib.request
counts, lock = [0, 0], threading.Lock()
def client():
    while not os.path.exists("/run/enough"):
        try:
            bad = urllib.request.urlopen("http://127.0.0.1:8080/sleep?ms=5", timeout=30).status != 200
        except OSError:
            bad = True
        with lock:
            counts[bad] += 1
            if sum(counts) == 20:
                print("begun", flush=True)
threads = [threading.Thread(target=client) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print("served %d, failed %d" % tuple(counts))
`

// firstExample is the first literal block of the README.
func firstExample(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join(moduleRoot, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(readme), "\n## Quick start\n")
	_, block, found := strings.Cut(section, "\n```\n")
	block, _, closed := strings.Cut(block, "```")
	if !found || !closed {
		t.Fatal("the README has no first example")
	}
	return block
}

func packageLife(t *testing.T, s system) {
	ctx, dir := deadline(t), packaged(t)
	tree := s.tree(ctx, t)
	m := s.boot(ctx, t, tree, dir)
	before := shell(ctx, t, m, everyFile)
	apt := "apt-get install -y -o Dpkg::Use-Pty=0 "
	shell(ctx, t, m, apt+debOf(harness.Dir+"/dist", firstVersion))
	enablesNothing(ctx, t, m)

	// As root there needs no sudo, and there is none.
	example := firstExample(t)
	said := shell(ctx, t, m, `sudo() { "$@"; }`+"\n"+example)
	if !strings.Contains(said, `"pid":`) { // the worker's answer
		t.Errorf("the first example of the README ends with:\n%s", said)
	}
	upgradeUnderLoad(ctx, t, m, apt+debOf(harness.Dir+"/next", nextVersion))
	shell(ctx, t, m, "systemctl disable --now web.socket web.service; rm /etc/systemd/system/web.* /etc/systemd/system/web-backoff.service /etc/availd/web.conf; systemctl daemon-reload")
	manualExamples(ctx, t, m)

	shell(ctx, t, m, "apt-get remove -y availd")
	if left := shell(ctx, t, m, "command -v availd || true"); left != "" {
		t.Errorf("after the removal there is %s", left)
	}
	shell(ctx, t, m, "apt-get purge -y availd")
	if after := shell(ctx, t, m, everyFile); after != before {
		t.Errorf("the purge leaves a difference:\n%s", difference(before, after))
	}
}

// enablesNothing: an installation changes nothing that runs, and makes no user.
func enablesNothing(ctx context.Context, t *testing.T, m *machine.Machine) {
	t.Helper()
	if out := shell(ctx, t, m, "availd version"); !strings.HasPrefix(out, "availd "+firstVersion+" (") {
		t.Errorf("installed is %q", out)
	}
	if out := shell(ctx, t, m, "systemctl list-unit-files | grep availd || true; getent passwd availd || true"); out != "" {
		t.Errorf("the package brings units or a user along:\n%s", out)
	}
	if out := shell(ctx, t, m, "journalctl --list-catalog | grep -c availd || true"); out == "0" {
		t.Error("the catalog does not know availd's messages")
	}
}

// upgradeUnderLoad installs the next version while clients are served: the same
// process becomes it, and nobody notices.
func upgradeUnderLoad(ctx context.Context, t *testing.T, m *machine.Machine, install string) {
	t.Helper()
	ask := func() (s status.Service) {
		text := shell(ctx, t, m, "availd status --format=json web")
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		return s
	}
	old := ask()
	load := m.Command(ctx, "python3", "-c", clients)
	load.Stderr = t.Output()
	out, err := load.StdoutPipe()
	if err == nil {
		err = load.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	if line, err := lines.ReadString('\n'); line != "begun\n" {
		t.Fatalf("the clients say %q (%v)", line, err)
	}
	said := shell(ctx, t, m, install)
	shell(ctx, t, m, "touch /run/enough")
	result, _ := lines.ReadString('\n') // nothing is no result
	if err := load.Wait(); err != nil {
		t.Error(err)
	}
	t.Log(result)
	if !regexp.MustCompile(`^served [1-9]\d+, failed 0\n$`).MatchString(result) {
		t.Errorf("during the upgrade: %s", result)
	}
	if !strings.Contains(said, nextVersion) {
		t.Errorf("the installation says:\n%s", said)
	}
	if now := ask(); now.Version != nextVersion || now.MainPID != old.MainPID {
		t.Errorf("pid %d of version %s is now pid %d of version %s", old.MainPID, old.Version, now.MainPID, now.Version)
	}
}

// difference are the lines that only one of two texts has.
func difference(before, after string) string {
	var b strings.Builder
	for _, side := range []struct{ mark, of, without string }{{"-", before, after}, {"+", after, before}} {
		has := map[string]bool{}
		for line := range strings.Lines(side.without + "\n") {
			has[strings.TrimSpace(line)] = true
		}
		for line := range strings.Lines(side.of + "\n") {
			if line = strings.TrimSpace(line); !has[line] {
				b.WriteString(side.mark + " " + line + "\n")
			}
		}
	}
	return b.String()
}
