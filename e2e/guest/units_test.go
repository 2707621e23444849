//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// pool is a service under test: what it asks of availd units, and what its
// pair says beyond that.
type pool struct {
	name    string
	port    int      // of 127.0.0.1; 0: any
	listen  []string // lines of [Socket] instead of the port's ListenStream=
	options []string // of availd run
	command []string // of the worker; none: the worker with knobs
	socket  []string // further lines of [Socket]
	service []string // further lines of [Service]
}

// protocol is that of all workers here. It brings NonBlocking=yes along, which
// the default does not.
const protocol = "--protocol=notify"

// conf is the file of the options, which a reload reads again.
func (p pool) conf() string { return filepath.Join(filesRoot, p.name, p.name+".conf") }

// units is the pair that availd units writes, with conf. Lines of the scenario
// come last, in sections of their own, as a drop-in's would.
func (p pool) units(t *testing.T) (socket, service string) {
	t.Helper()
	dir := filepath.Dir(p.conf())
	args := []string{
		harness.Availd, "units", "--binary", harness.Availd, "--output", dir, "--conf-dir", dir, "--force",
		"--listen", harness.Addr(p.port), protocol,
	}
	args = append(append(args, p.options...), p.name, "--")
	harness.MustRun(t, append(args, p.command...)...)
	lines := p.socket
	if p.listen != nil {
		lines = slices.Concat([]string{"ListenStream="}, p.listen, lines)
	}
	return read(t, filepath.Join(dir, p.name+".socket")) + section("Socket", lines),
		read(t, filepath.Join(dir, p.name+".service")) + section("Service", p.service)
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func section(name string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf("\n[%s]\n%s\n", name, strings.Join(lines, "\n"))
}

// withoutSocket leaves out what ties the service to its socket.
func (s *service) withoutSocket() string {
	var lines []string
	for _, line := range splitLines(s.text) {
		if line != "Requires="+s.Socket() && line != "After="+s.Socket() {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
