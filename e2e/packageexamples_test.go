//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/machine"
	"github.com/availd/availd/internal/testutil"
)

// manualExamples runs every example of the manual pages that is for a shell,
// page by page and block by block, as the package has them.
func manualExamples(ctx context.Context, t *testing.T, m *machine.Machine) {
	t.Helper()
	begin := time.Now()
	shell(ctx, t, m, "systemd-run --quiet --unit=own --property=Type=notify --property=Delegate=yes --property=RuntimeDirectory=own"+
		" --setenv=XDG_RUNTIME_DIR=/run/own /lib/systemd/systemd --user")
	// Typed by a person, a line comes after the one before has done its work.
	shell(ctx, t, m, "printf 'retry-connrefused\\nretry = 20\\nsilent\\n' >/root/.curlrc; mkdir -p /etc/availd")
	ofWeb := []string{"availd.8", "availd-status.1", "availd-set.1", "availd-reload.1", "availd-upgrade.1"} // the others are about the service of the first
	// availd top wants a terminal, which its own tests have; and what availd check looks at in its
	// examples has a program that this machine has not (TestCheckShipped).
	elsewhere := []string{"availd-top.1", "availd-check.1"}
	ran := runExamples(ctx, t, m, ofWeb...)
	removeWeb := "systemctl stop web.socket web.service; rm -rf /etc/systemd/system/web.* /etc/systemd/system/web-backoff.service /etc/availd/web.conf; systemctl daemon-reload"
	shell(ctx, t, m, removeWeb)
	others, _ := filepath.Glob(filepath.Join(moduleRoot, "man/*.[1-8]")) // the pattern is good
	for _, page := range others {
		if name := filepath.Base(page); !slices.Contains(ofWeb, name) && !slices.Contains(elsewhere, name) {
			ran += runExamples(ctx, t, m, name)
		}
	}
	if t.Logf("%d examples of the manual pages in %v", ran, time.Since(begin).Round(time.Millisecond)); ran < 10 {
		t.Errorf("only %d examples are found in the manual pages", ran)
	}
	shell(ctx, t, m, "systemctl stop own.service; rm -rf /root/.config /root/.curlrc")
}

// forShell begins an example that is for a shell; the others are programs, files
// and lines of units, and tested where they are.
var forShell = regexp.MustCompile(`^(availd|curl|systemctl|mkdir|journalctl) `)

// examplesOf are the examples of a page, as a reader sees them.
func examplesOf(t *testing.T, page string) (blocks []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(moduleRoot, "man", page))
	if err != nil {
		t.Fatal(err)
	}
	_, examples, _ := strings.Cut(string(data), "\n.Sh EXAMPLES\n")
	examples, _, _ = strings.Cut(examples, "\n.Sh ")
	for _, block := range strings.Split(examples, ".Bd -literal -offset indent\n")[1:] {
		block, _, _ = strings.Cut(block, ".Ed")
		blocks = append(blocks, testutil.Roff(block))
	}
	return blocks
}

// runExamples runs the examples of pages and returns their number.
func runExamples(ctx context.Context, t *testing.T, m *machine.Machine, pages ...string) (ran int) {
	t.Helper()
	for _, page := range pages {
		for _, block := range examplesOf(t, page) {
			unit := strings.HasPrefix(block, "availd run") && !strings.Contains(block, "--listen") // a line of one
			if !forShell.MatchString(block) || unit {
				continue
			}
			if strings.Contains(block, "./worker") { // which the page has as well
				block = greeted(ctx, t, m, page, block)
			}
			shell(ctx, t, m, "export XDG_RUNTIME_DIR=/run/own; cd /root\n"+block+"\njobs -p | xargs -r kill || :; wait || :")
			ran++
		}
	}
	return ran
}

// greeted installs the worker of a page and returns what runs it and is greeted
// by it.
func greeted(ctx context.Context, t *testing.T, m *machine.Machine, page, block string) string {
	t.Helper()
	blocks := examplesOf(t, page)
	i := slices.IndexFunc(blocks, func(b string) bool { return strings.HasPrefix(b, "#!/usr/bin/python3") })
	if i < 0 {
		t.Fatalf("%s has no worker in Python", page)
	}
	install := m.Command(ctx, "install", "-m", "755", "/dev/stdin", "/root/worker")
	install.Stdin = strings.NewReader(blocks[i])
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install the worker: %v\n%s", err, out)
	}
	return strings.TrimSpace(block) + ` &
python3 -c '
import socket
while True:
    try:
        client = socket.create_connection(("127.0.0.1", 8080))
        break
    except ConnectionRefusedError:  # not yet
        pass
assert client.makefile().readline().startswith("hello from ")
'`
}
