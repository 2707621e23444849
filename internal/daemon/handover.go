package daemon

import (
	"strconv"
	"strings"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/spawn"
)

// listenersHandover is what workers get that accept themselves: the listening
// sockets as sd_listen_fds(3) looks for them, and where they report. It is the
// same for all of one configuration.
func (d *daemon) listenersHandover() spawn.Handover {
	if d.cfg.Protocol == config.ProtocolFastCGI { // FCGI_LISTENSOCK_FILENO
		return spawn.Handover{Files: []int{d.sockets.Workers[0].FD, 1, 2}}
	}
	h := spawn.Handover{Files: []int{spawn.Null, 1, 2}, PIDs: []string{"LISTEN_PID"}}
	var names []string
	for _, s := range d.sockets.Workers {
		h.Files, names = append(h.Files, s.FD), append(names, s.Name)
	}
	h.Env = []string{
		"LISTEN_FDS=" + strconv.Itoa(len(names)),
		"LISTEN_FDNAMES=" + strings.Join(names, ":"),
	}
	if address := d.reportAddress(); address != "" {
		h.Env = append(h.Env, "NOTIFY_SOCKET="+address)
	}
	if d.cfg.WorkerWatchdog > 0 {
		h.Env = append(h.Env, "WATCHDOG_USEC="+strconv.FormatInt(d.cfg.WorkerWatchdog.Microseconds(), 10))
		h.PIDs = append(h.PIDs, "WATCHDOG_PID")
	}
	return h
}

// connHandover is what a worker gets that is born with its connection: that is
// its input and output. The variables are those that systemd tells a service of
// Accept=yes (systemd.exec(5)); what availd itself was told is another's.
func connHandover(c *loop.Conn) spawn.Handover {
	h := spawn.Handover{Files: []int{c.FD, c.FD, 2}, Env: []string{"REMOTE_ADDR", "REMOTE_PORT"}}
	if c.Address != "" {
		h.Env[0] += "=" + c.Address
	}
	if c.Port != "" {
		h.Env[1] += "=" + c.Port
	}
	return h
}
