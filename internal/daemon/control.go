package daemon

import (
	"context"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/logs"
	"github.com/availd/availd/internal/status"
)

// openControl opens the control socket. A service without one still serves, so
// a failure is only said.
func (d *daemon) openControl() error {
	path := d.cfg.Control
	if path == "" && runtimeDirectory() != "" {
		path = runtimeDirectory() + "/control"
	}
	if path == "" {
		return nil
	}
	l, err := control.Listen(path)
	if err != nil {
		d.log.Warn("no control socket: "+err.Error()+"; availd status and availd reload cannot reach this service, proceeding", logs.Event, "internal")
		return nil
	}
	d.control = l
	return nil
}

func (d *daemon) serveControl() {
	advice := &advice{}
	service := control.Service{
		Status: func(ctx context.Context) (status.Service, error) {
			s, err := d.loop.Ask(ctx)
			if err == nil {
				advice.give(&s)
			}
			return s, err
		},
		Reload: func(ctx context.Context) (int, error) {
			o, err := d.loop.Reload(ctx)
			if err != nil {
				return 0, err
			}
			return o.Replaced, o.Err
		},
		Upgrade: d.loop.Upgrade,
	}
	server := control.NewServer(service)
	if d.control != nil {
		go server.ServeControl(d.control)
	}
	d.serveInherited(d.sockets.Control, server.ServeControl)
	d.serveInherited(d.sockets.Status, server.ServeStatus)
	d.serveInherited(d.sockets.Agent, server.ServeAgent)
}

// serveInherited serves on sockets that systemd passed for availd itself.
// Workers do not have them, so Go's poller may.
func (d *daemon) serveInherited(sockets []activation.Socket, serve func(net.Listener)) {
	for _, s := range sockets {
		l, err := listenerOf(s)
		if err != nil {
			d.log.Warn("socket "+s.Name+" cannot be served: "+err.Error()+", proceeding", logs.Event, "internal")
			continue
		}
		go serve(l)
	}
}

// listenerOf leaves s.FD as it is, for the next image of this process.
func listenerOf(s activation.Socket) (net.Listener, error) {
	fd, err := unix.FcntlInt(uintptr(s.FD), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return nil, os.NewSyscallError("fcntl F_DUPFD_CLOEXEC", err)
	}
	f := os.NewFile(uintptr(fd), s.Name)
	defer func() { _ = f.Close() }()
	return net.FileListener(f)
}
