package units

import (
	"slices"
	"testing"
)

func TestOwnSockets(t *testing.T) {
	o := web()
	lacks(t, "socket", generate(t, o).Socket, "Wants=")
	o.AgentListen = "127.0.0.1:9180"
	set := generate(t, o)
	hasLines(t, "socket", set.Socket, "Wants=web-agent.socket")
	hasLines(t, "agent", set.Agent, "ListenStream=127.0.0.1:9180", "FileDescriptorName=agent", "Service=web.service", "PartOf=web.socket",
		"TriggerLimitIntervalSec=0")
	lacks(t, "agent", set.Agent, "SocketMode", "[Install]")
	o.StatusListen = "/run/web.status"
	set = generate(t, o)
	hasLines(t, "socket", set.Socket, "Wants=web-status.socket web-agent.socket")
	hasLines(t, "status", set.Status, "ListenStream=/run/web.status", "FileDescriptorName=status", "SocketMode=0660")
	if want := []string{"web.socket", "web-status.socket", "web-agent.socket", "web.service", "web-backoff.service"}; !slices.Equal(set.Units(), want) {
		t.Errorf("units %q, want %q", set.Units(), want)
	}
	o.StatusListen = "localhost:80"
	if _, err := Generate(o); err == nil {
		t.Error("an address that systemd cannot take is accepted")
	}
}
