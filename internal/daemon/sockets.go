package daemon

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/event"
)

// takeSockets takes what systemd passed, or opens what --listen names.
func (d *daemon) takeSockets() error {
	first := isFirstProcess() // before the variables are gone
	set, activated, err := activation.Inherited()
	if first && (err != nil || activated && !set.HandedOver) { // LISTEN_PID= of systemd 257 is wrong then
		return misconfigured(errFirstProcess)
	}
	if err != nil {
		return misconfigured(err)
	}
	d.sockets, d.handed = set, set.HandedOver
	if set.Complaint != "" {
		event.Log(d.log, event.SocketNames, event.Names(set.Complaint))
	}
	switch {
	case activated && d.handed && d.ownedBefore():
		d.listened = true
		d.sockets.Own()
	case activated && d.cfg.ListenOfUnit: // the socket unit was made of it
	case activated && len(d.cfg.Listen) > 0:
		return misconfigured(errors.New("--listen and inherited sockets at once: remove --listen from ExecStart=, or the .socket unit"))
	case len(d.cfg.Listen) > 0:
		if err := d.listen(); err != nil {
			return system(err)
		}
	case len(set.Workers) == 0:
		return misconfigured(noSockets(set))
	}
	if err := d.checkCommand(d.cfg); err != nil {
		return misconfigured(err)
	}
	if d.cfg.Protocol.NonBlocking {
		if err := d.unblock(); err != nil {
			return system(err)
		}
	}
	return d.checkKinds()
}

// ownedVariable tells the next image of an upgrade that the sockets are this process's own,
// where listen= of the configuration may be what a socket unit was made of as well.
const ownedVariable = "AVAILD_LISTENS"

// ownedBefore reports whether the sockets of an earlier image were those of --listen. An
// availd that did not know the variable knew no other use of listen= either.
func (d *daemon) ownedBefore() bool {
	owned := os.Getenv(ownedVariable) != ""
	_ = os.Unsetenv(ownedVariable)
	return owned || len(d.cfg.Listen) > 0 && !d.cfg.ListenOfUnit
}

// checkCommand refuses a command that contradicts the number of sockets.
func (d *daemon) checkCommand(cfg config.Config) error {
	if check := cfg.Protocol.CheckCommand; check != nil {
		return check(cfg.Command[1:], len(d.sockets.Workers))
	}
	return nil
}

// noSockets says why there is nothing to serve: a name may have made all sockets availd's own.
func noSockets(set activation.Set) error {
	if own := slices.Concat(set.Control, set.Status, set.Agent); len(own) > 0 {
		return &activation.Error{
			What: "no socket is left for the workers, as that of " + own[0].Address + " is availd's own by its name",
			Line: "FileDescriptorName=" + own[0].Name,
			Hint: "take the line out if clients come there, or start the .socket unit of the workers as well",
		}
	}
	return errNoSockets
}

var errNoSockets = errors.New("no sockets were passed, so there is nothing to serve: " +
	"start this service through its .socket unit (systemctl start NAME.socket), or name addresses with --listen")

func (d *daemon) checkKinds() error {
	protocol := d.cfg.Protocol
	for _, s := range d.sockets.Workers {
		if !protocol.Serves(s.Kind) {
			return misconfigured(&activation.Error{
				What: "socket " + s.Address + " is a " + s.Kind.String() + " socket, which --protocol=" + protocol.Name + " cannot serve",
				Line: s.Kind.Directive() + s.Address,
				Hint: "use ListenStream= or ListenSequentialPacket=, or --protocol=notify",
			})
		}
	}
	if n := len(d.sockets.Workers); protocol.OneSocket != "" && n != 1 {
		return misconfigured(fmt.Errorf("%d sockets were passed, and %s: make a service for each of the others", n, protocol.OneSocket))
	}
	return nil
}

// listen opens the sockets of --listen.
func (d *daemon) listen() (err error) {
	d.listened = true
	if d.sockets.Workers, err = activation.Listen(d.cfg.Listen, d.inheritOrphans); err != nil {
		return err
	}
	if d.cfg.Protocol.Polls {
		return d.unblock()
	}
	return nil
}

// unblock makes the listening sockets non-blocking: a client may be gone by the time that
// somebody accepts.
func (d *daemon) unblock() error {
	var err error
	for _, s := range d.sockets.Workers {
		err = errors.Join(err, os.NewSyscallError("fcntl", unix.SetNonblock(s.FD, true)))
	}
	return err
}
