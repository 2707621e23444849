package daemon

import (
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/spawn"
)

// given is what hand-overs are made of that is the same for all workers.
func (d *daemon) given() protocol.Given {
	return protocol.Given{
		Sockets: d.sockets.Workers, Reports: d.reportAddress(), Watchdog: d.cfg.WorkerWatchdog, Flow: d.flow,
	}
}

// commonHandover is that of all workers of one configuration.
func (d *daemon) commonHandover() (h spawn.Handover) {
	if d.cfg.Protocol.SameForAll() {
		h = d.cfg.Protocol.Handover(d.given())
	}
	return h
}
