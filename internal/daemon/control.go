package daemon

import (
	"context"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/nowait"
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
		closeKept(d.kept.control)
		return nil
	}
	if d.kept.control >= 0 {
		s, err := control.Adopt(d.kept.control, path)
		if err == nil {
			d.control = s
			return nil
		}
		_ = unix.Close(d.kept.control)
		event.Log(d.log, event.ControlLost, event.Cause(err))
	}
	s, err := control.Listen(path)
	if err != nil {
		event.Log(d.log, event.NoControl, event.Cause(err))
		return nil
	}
	d.control = s
	return nil
}

func (d *daemon) serveControl() {
	advice, sizes := &advice{}, &shownSizes{}
	service := control.Service{
		Status: func(ctx context.Context) (status.Service, error) {
			s, err := d.ask(ctx)
			if err == nil {
				nowait.Blocking(func() {
					d.paths.look(d, &s)
					advice.give(&s)
					sizes.give(&s)
				})
			}
			return s, err
		},
		Reload: func(ctx context.Context) (int, error) {
			directory := ""
			if o := control.OriginFrom(ctx); o.Invocation != "" && o.Invocation == os.Getenv("INVOCATION_ID") {
				directory = o.Directory
			}
			o, err := d.loop.Reload(ctx, directory)
			if err != nil {
				return 0, err
			}
			return o.Replaced, o.Err
		},
		Set: func(ctx context.Context, lines string) (control.Change, error) {
			a, err := d.loop.Adjust(ctx, lines)
			if err != nil {
				return control.Change{}, err
			}
			return control.Change{Set: a.Named, Warnings: a.Warnings}, a.Err
		},
		Upgrade: d.loop.Upgrade,
		Past:    d.past,
	}
	server := control.NewServer(service)
	if d.control != nil {
		d.serveInherited([]activation.Socket{{FD: d.control.FD, Name: "control"}}, server.ServeControl)
	}
	d.serveInherited(d.sockets.Control, server.ServeControl)
	d.serveInherited(d.sockets.Status, server.ServeStatus)
	d.serveInherited(d.sockets.Agent, server.ServeAgent)
}

// A status may want more than is known at the moment: for it is waited, but not for long.
const (
	pendingPause = 20 * time.Millisecond
	pendingMost  = 5
)

// ask asks the loop for the status, once more after a moment if it will know more then.
func (d *daemon) ask(ctx context.Context) (status.Service, error) {
	s, err := d.loop.Ask(ctx)
	for n := 0; err == nil && s.Pending && n < pendingMost; n++ {
		select {
		case <-time.After(pendingPause):
		case <-ctx.Done():
			return s, nil
		}
		s, err = d.loop.Ask(ctx)
	}
	return s, err
}

// serveInherited serves on sockets that systemd passed for availd itself.
// Workers do not have them, so Go's poller may.
func (d *daemon) serveInherited(sockets []activation.Socket, serve func(net.Listener)) {
	for _, s := range sockets {
		l, err := listenerOf(s)
		if err != nil {
			event.Log(d.log, event.NotServed, event.Socket(s.Name), event.Cause(err))
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
	if err := nowait.RefuseDescriptors(fd); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	f := os.NewFile(uintptr(fd), s.Name)
	defer func() { _ = f.Close() }()
	return net.FileListener(f)
}
