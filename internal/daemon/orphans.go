package daemon

import (
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/survivors"
)

// inheritOrphans takes a listening socket over from workers whose availd was killed
// without a service manager, and remembers them to be adopted. Where the kernel gives no
// descriptor away, those that hold the address are ended.
func (d *daemon) inheritOrphans(matches func(fd int) bool) (fd int, again bool) {
	found, fd := survivors.Holding(matches)
	if fd >= 0 {
		d.orphans = append(d.orphans, found...)
		return fd, false
	}
	found = survivors.Named(survivors.Listening(d.cfg.Listen))
	if len(found) == 0 {
		return -1, false
	}
	event.Log(d.log, event.Orphans, event.Workers(len(found)))
	survivors.End(found, d.cfg.StopTimeout)
	return -1, true
}

// world is where workers of an earlier availd are looked for.
func (d *daemon) world() survivors.World {
	w := survivors.Real(d.command.Session)
	if len(d.orphans) == 0 {
		return w
	}
	var pids []int
	for _, o := range d.orphans {
		pids = append(pids, o.PID)
	}
	w.Members, w.Manager = func() []int { return pids }, d.orphans[0].Parent
	return w
}
