package daemon

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
)

// takeSockets takes what systemd passed, or opens what --listen names.
func (d *daemon) takeSockets() error {
	set, activated, err := activation.Inherited()
	if err != nil {
		return misconfigured(err)
	}
	d.sockets, d.handed = set, set.HandedOver
	switch {
	case activated && len(d.cfg.Listen) > 0 && d.handed:
		d.listened = true
		d.sockets.Own()
	case activated && len(d.cfg.Listen) > 0:
		return misconfigured(errors.New("--listen and inherited sockets at once: remove --listen from ExecStart=, or the .socket unit"))
	case len(d.cfg.Listen) > 0:
		if err := d.listen(); err != nil {
			return system(err)
		}
	case len(set.Workers) == 0:
		return misconfigured(errNoSockets)
	}
	if d.isPostfix() {
		if err := d.checkSocketCount(); err != nil {
			return misconfigured(err)
		}
	}
	if d.isInetd() || d.isPostfix() {
		if err := d.ownListeners(); err != nil {
			return system(err)
		}
	}
	return d.checkKinds()
}

var errNoSockets = errors.New("no sockets were passed, so there is nothing to serve: " +
	"start this service through its .socket unit (systemctl start NAME.socket), or name addresses with --listen")

func (d *daemon) checkKinds() error {
	protocol := string(d.cfg.Protocol)
	for _, s := range d.sockets.Workers {
		if !s.Kind.ServedBy(protocol) {
			return misconfigured(&activation.Error{
				What: "socket " + s.Address + " is a " + s.Kind.String() + " socket, which --protocol=" + protocol + " cannot serve",
				Line: s.Kind.Directive() + s.Address,
				Hint: "use ListenStream= or ListenSequentialPacket=, or --protocol=notify",
			})
		}
	}
	if n := len(d.sockets.Workers); protocol == string(config.ProtocolFastCGI) && n != 1 {
		return misconfigured(fmt.Errorf("%d sockets were passed, and a fastcgi worker has one, as descriptor 0: make a service for each of the others", n))
	}
	return nil
}

// listen opens the sockets of --listen. What speaks the notify protocol was
// written to poll before it accepts: for it they are non-blocking, so that a
// worker that loses the race for a connection is not stuck, and hears the retire
// signal. Any other program gets them as it knows them.
func (d *daemon) listen() (err error) {
	d.listened = true
	if d.sockets.Workers, err = activation.Listen(d.cfg.Listen); err != nil {
		return err
	}
	for _, s := range d.sockets.Workers {
		if d.cfg.Protocol == config.ProtocolNotify {
			err = errors.Join(err, os.NewSyscallError("fcntl", unix.SetNonblock(s.FD, true)))
		}
	}
	return err
}
