package loop

import (
	"golang.org/x/sys/unix"

	"github.com/availd/availd/policy"
)

// This file puts the parts of the loop together, once, before the first turn. What a part needs
// of another it is given here, so this is the place that shows who calls whom.

// New prepares a loop for the sockets in cfg. On error nothing stays open that
// it opened.
func New(cfg Config, seams Seams) (*Loop, error) {
	ep, err := newEpoll()
	if err != nil {
		return nil, err
	}
	if ep.parked, err = newParked(ep); err != nil {
		ep.parked = nil // it waits in another way
	}
	wake, err := newWakeEvent()
	if err != nil {
		_ = ep.close()
		return nil, err
	}
	c := &core{
		cfg: cfg, seams: seams, epoll: ep, wake: wake, policy: policy.New(cfg.Policy), procs: map[int]*proc{}, inbox: make(chan request, 64),
	}
	l := &Loop{
		core: c, signals: make(chan unix.Signal, 16),
	}
	c.perform = l.effect
	l.watchdog.core, l.strangers.core, l.crashes.core, l.inspection.core, l.observing.core, l.slowness.core, l.work.core, l.sizing.core = c, c, c, c, c, c, c, c
	l.strangers.isOurs = l.templates.isOurs
	l.queueWait = queueWait{core: c, ages: &l.inspection}
	l.load = load{core: c, past: past{core: c, load: &l.load, ages: &l.inspection}}
	l.memory = memory{core: c, board: &l.board}
	l.line = statusLine{core: c, load: &l.load, ages: &l.inspection}
	l.reloads = reloads{core: c, line: &l.line, adopt: l.adopt, awaitTemplate: l.templates.startForReload, refused: l.templates.refuseTemplate}
	l.upgrade = upgrade{
		core: c, starts: &l.starts, clients: &l.clients, retirees: &l.retirees, templates: &l.templates, channels: &l.channels,
		memory: &l.memory, load: &l.load,
	}
	l.askers = askers{core: c, board: &l.board, ages: &l.inspection, shown: &l.shown}
	c.sockets = sockets{core: c, list: cfg.Sockets, in: make([]bool, len(cfg.Sockets))}
	l.channels = channels{core: c, byFD: map[int]*channel{}}
	l.asleep = asleep{core: c, seen: map[int]startSeen{}}
	l.reports = reports{core: c, board: &l.board, hearForks: l.templates.hearForks, endedPIDs: map[int]bool{}}
	l.retirees = retirees{core: c, channels: &l.channels}
	l.shown = shown{core: c, load: &l.load, ages: &l.inspection, templates: &l.templates, work: &l.work}
	l.workers = workers{core: c, channels: &l.channels, byPidfd: map[int]*proc{}}
	l.starts = starts{core: c, workers: &l.workers, clients: &l.clients, memory: &l.memory, board: &l.board, templates: &l.templates}
	l.templates = templates{
		core: c, workers: &l.workers, starts: &l.starts, memory: &l.memory, board: &l.board, retirees: &l.retirees, reloads: &l.reloads,
	}
	l.exits = exits{
		core: c, workers: &l.workers, starts: &l.starts, channels: &l.channels, board: &l.board, memory: &l.memory,
		reports: &l.reports, clients: &l.clients, load: &l.load, templates: &l.templates,
	}
	l.board = boardSlots{core: c, memory: &l.memory, ages: &l.inspection, board: cfg.Board, preload: cfg.Preload}
	l.clients = clients{
		core: c, sources: sources{most: cfg.MaxPerSource, counts: map[string]int{}}, isHeld: func() bool { return l.starts.postponed != nil },
	}
	l.now = seams.Now()
	l.facts.started = seams.Wall()
	if err := l.register(); err != nil {
		l.close()
		return nil, err
	}
	if err := l.restore(cfg.Restored); err != nil {
		l.close()
		return nil, err
	}
	l.load.past.note(l.condition(), 0)
	return l, nil
}

func (l *Loop) register() error {
	if err := l.epoll.add(l.wake.fd, unix.EPOLLIN, kindWake); err != nil {
		return err
	}
	if err := l.board.open(); err != nil {
		return err
	}
	if err := l.sockets.openDowns(); err != nil {
		return err
	}
	if err := l.sockets.openArrivals(); err != nil {
		return err
	}
	if l.cfg.ReportFD < 0 {
		return nil
	}
	return l.epoll.add(l.cfg.ReportFD, unix.EPOLLIN, kindReport)
}

func (l *Loop) close() {
	_ = l.epoll.close()
	if l.sockets.downs.set != nil {
		_ = l.sockets.downs.set.close()
	}
	l.sockets.untaken.close()
	l.sockets.arrivals.close()
	_ = unix.Close(l.wake.fd)
}
