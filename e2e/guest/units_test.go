//go:build e2e

package guest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// pool is a service under test: what its pair of units says beyond what every
// pair says.
type pool struct {
	name    string
	port    int      // of 127.0.0.1; 0: any
	listen  []string // lines of [Socket] instead of a port's ListenStream=
	options []string // of availd run
	command []string // of the worker; none: the worker with knobs
	socket  []string // further lines of [Socket]
	service []string // further lines of [Service]
}

// conf is the file of the options, which a reload reads again.
func (p pool) conf() string { return filepath.Join(filesRoot, p.name, p.name+".conf") }

// units is the pair's text. Lines of the scenario come last, in sections of
// their own, as a drop-in's would.
func (p pool) units(t *testing.T) (socket, service string) {
	t.Helper()
	return p.socketUnit() + section("Socket", p.socket), p.serviceUnit() + section("Service", p.service)
}

func section(name string, lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintf("\n[%s]\n%s\n", name, strings.Join(lines, "\n"))
}

func (p pool) listenLines() []string {
	if p.listen != nil {
		return p.listen
	}
	return []string{"ListenStream=" + harness.Addr(p.port)}
}

func (p pool) socketUnit() string {
	return section("Socket", append(p.listenLines(),
		"TriggerLimitIntervalSec=0",
		"Backlog=4096",
		"ExecStopPost="+harness.Availd+" reap",
	))
}

func (p pool) serviceUnit() string {
	run := append([]string{harness.Availd, "run", "--config", p.conf(), "--"}, p.command...)
	return section("Unit", []string{"StartLimitIntervalSec=0"}) + section("Service", []string{
		"Type=notify", "NotifyAccess=main", "NonBlocking=yes", "KillMode=process",
		"WatchdogSec=30s", "Restart=on-failure", "RestartSec=100ms", "FileDescriptorStoreMax=4096",
		"RuntimeDirectory=availd/" + p.name, "RuntimeDirectoryPreserve=restart",
		"DynamicUser=yes", "OOMPolicy=continue", "TimeoutStopSec=45s",
		"ExecStart=" + strings.Join(run, " "),
		"ExecReload=" + harness.Availd + " reload " + p.name,
		"ExecStopPost=" + harness.Availd + " reap",
	})
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
