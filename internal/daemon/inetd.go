package daemon

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/report"
)

// isInetd: workers are born with their connection, which availd accepts.
func (d *daemon) isInetd() bool { return d.cfg.Protocol == config.ProtocolInetd }

// hears: workers have a socket to report to.
func (d *daemon) hears() bool {
	return d.cfg.Protocol == config.ProtocolAuto || d.cfg.Protocol == config.ProtocolNotify
}

// ownListeners makes the listening sockets non-blocking where availd alone
// accepts on them: a client may be gone by then. Daemons of Postfix rely on it
// too, as their master(8) does the same.
func (d *daemon) ownListeners() error {
	var err error
	for _, s := range d.sockets.Workers {
		err = errors.Join(err, os.NewSyscallError("fcntl", unix.SetNonblock(s.FD, true)))
	}
	return err
}

// reportFD is -1 where workers do not report.
func (d *daemon) reportFD() int {
	if d.reports == nil {
		return -1
	}
	return d.reports.FD()
}

// reportAddress is "" where workers do not report.
func (d *daemon) reportAddress() string {
	if d.reports == nil {
		return ""
	}
	return d.reports.Address()
}

func (d *daemon) receive(m *report.Message) error {
	if d.reports == nil {
		return report.ErrEmpty
	}
	return d.reports.Receive(m)
}
