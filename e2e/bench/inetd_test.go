//go:build e2e

package bench

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestInetd: one process for each connection, of the smallest program there is.
func TestInetd(t *testing.T) {
	const rounds, clients = 5, 8
	entrants := inetdEntrants(t)
	series := rig.Series{}
	rig.Rounds(rounds, entrants, func(e entrant) {
		r := rig.Load{
			Program: loader, Port: e.port, Clients: clients, Answer: "hello", For: 1500 * time.Millisecond,
		}.Run(t)
		if r.Failed > 0 {
			t.Errorf("%s: %d of %d connections failed", e.name, r.Failed, r.OK+r.Failed)
		}
		series.Add(e.name, "rate", r.Rate())
	})
	table := table(t, "inetd: connections/s, a process each")
	own := entrants[0].name
	table.Figure(own, perSecond(series, own))
	for _, e := range entrants[1:] {
		bound := 1.0
		if e.name == acceptYes {
			bound = 10
		}
		table.AtLeast(own+" against "+e.name, perSecond(series, e.name), "%v × "+e.name+series.Spread(own, e.name, "rate"), series.Ratio(own, e.name, "rate"), bound)
	}
}

func perSecond(s rig.Series, name string) string {
	return fmt.Sprintf("%.0f/s", s.Median(name, "rate"))
}

const acceptYes = "systemd Accept=yes"

func inetdEntrants(t *testing.T) []entrant {
	var entrants []entrant
	add := func(name string, start func(port int) *rig.Server) {
		port := harness.Port()
		entrants = append(entrants, entrant{name, port, start(port)})
	}
	add("availd inetd", func(port int) *rig.Server {
		return rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=inetd"}, hello).Server
	})
	add("tcpserver", func(port int) *rig.Server { return startTcpserver(t, port, 100, hello) })
	add("tcpsvd", func(port int) *rig.Server {
		return rig.StartListening(t, port, nil, "/usr/bin/tcpsvd", "-c", "100", "-b", "4096", "-l", "0", "127.0.0.1", fmt.Sprint(port), hello)
	})
	add("xinetd", func(port int) *rig.Server { return startXinetd(t, port, "UNLIMITED", hello) })
	add(acceptYes, func(port int) *rig.Server { startAcceptYes(t, port, 100, hello); return nil })
	return entrants
}

func startTcpserver(t *testing.T, port, limit int, command ...string) *rig.Server {
	t.Helper()
	return rig.StartListening(t, port, nil, append([]string{
		"/usr/bin/tcpserver", "-H", "-R", "-l", "0", "-c", fmt.Sprint(limit), "-b", "4096", "127.0.0.1", fmt.Sprint(port),
	}, command...)...)
}

// startXinetd allows so many instances and, unlike its default, any rate.
func startXinetd(t *testing.T, port int, instances, server string, args ...string) *rig.Server {
	t.Helper()
	dir := scratch(t)
	serverArgs := ""
	for _, a := range args {
		serverArgs += " " + a
	}
	if serverArgs != "" {
		serverArgs = "server_args =" + serverArgs
	}
	conf := write(t, dir, "xinetd.conf", fmt.Sprintf(`service bench
{
	type = UNLISTED
	socket_type = stream
	protocol = tcp
	bind = 127.0.0.1
	port = %d
	wait = no
	user = root
	server = %s
	%s
	instances = %s
	per_source = UNLIMITED
	cps = 1000000 1
	log_type = FILE %s/log
}
`, port, server, serverArgs, instances, dir))
	return rig.StartListening(t, port, nil, "/usr/sbin/xinetd", "-dontfork", "-f", conf, "-pidfile", dir+"/pid")
}

// startAcceptYes has systemd itself start an instance for each connection.
func startAcceptYes(t *testing.T, port, limit int, command string) {
	t.Helper()
	name := fmt.Sprintf("bench-accept-%d", port)
	instance := "/run/systemd/system/" + name + "@.service"
	service := "[Service]\nExecStart=-" + command + "\nStandardInput=socket\nStandardOutput=socket\nStandardError=journal\n"
	if err := os.WriteFile(instance, []byte(service), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Remove(instance) })
	harness.Install(t, name, fmt.Sprintf(`[Socket]
ListenStream=%s
Accept=yes
Backlog=4096
MaxConnections=%d
TriggerLimitIntervalSec=0
`, harness.Addr(port), limit), service)
}
