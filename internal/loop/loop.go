// Package loop is the one goroutine that owns a service: it waits on the only
// epoll set, feeds what happened to the policy, and carries out what the policy
// answers. Listening sockets are in the set while the policy wants them
// watched, a worker's pidfd while it lives, the report socket and a bell always.
//
// It decides nothing about workers (package policy does), and it knows births,
// signals, reports and systemd only as the functions in [Seams], so that it can
// be tested with real descriptors and fake births. Other goroutines reach it
// through [Loop.Ask], [Loop.Reload] and [Loop.Signal] alone. An idle loop has no
// deadline and does not wake.
//
// # Diagnostics
//
// Run returns an error only when the loop cannot go on: its own epoll set
// fails. Whatever workers do, or the system refuses to a worker, is logged and
// survived.
package loop

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/policy"
)

// kind tells what a registered descriptor is.
type kind int32

const (
	kindSocket kind = iota + 1
	kindWorker
	kindReport
	kindChannel
	kindBell
	kindRing
)

// Bounds of one turn: whatever floods us, the watchdog and the other events get
// their share.
const (
	maxReports = 1024
	maxBirths  = 16
)

// Loop is the owner of a service. Use [New].
type Loop struct {
	cfg    Config
	seams  Seams
	epoll  *epoll
	bell   bell
	policy *policy.Service
	now    policy.Instant

	procs     map[int]*proc // by pid
	byPidfd   map[int]*proc
	gone      map[int]bool // pids that ended while reports were still unread
	sockets   sockets
	seats     seats
	effects   []policy.Action
	postponed *policy.Action // a birth beyond maxBirths
	births    int            // in this turn
	pace      pace
	unread    bool // reports beyond maxReports
	ready     events
	message   report.Message
	channels  map[int]*channel // by fd
	records   report.Records
	hungUp    []hungUp // in order of time

	inbox    chan request
	signals  chan unix.Signal
	leavers  leavers
	draining bool
	reloads  []chan<- Outcome
	gossip   gossip
	tally    Tally
	young    []young
	dying    []dying
	upgrade  upgrade
	sources  sources
	conn     *Conn // of the coming birth
	facts    facts
	full     fullness
	need     need
	line     statusLine
	watchdog policy.Instant // next WATCHDOG=1; 0 = none wanted
	extend   policy.Instant // next request for time to drain; 0 = not draining
	done     bool
}

// New prepares a loop for the sockets in cfg. On error nothing stays open that
// it opened.
func New(cfg Config, seams Seams) (*Loop, error) {
	ep, err := newEpoll()
	if err != nil {
		return nil, err
	}
	bell, err := newBell()
	if err != nil {
		_ = ep.close()
		return nil, err
	}
	l := &Loop{
		cfg: cfg, seams: seams, epoll: ep, bell: bell, policy: policy.New(cfg.Policy),
		procs: map[int]*proc{}, byPidfd: map[int]*proc{}, gone: map[int]bool{}, channels: map[int]*channel{},
		inbox: make(chan request, 64), signals: make(chan unix.Signal, 16),
	}
	l.sockets = sockets{loop: l, list: cfg.Sockets, in: make([]bool, len(cfg.Sockets))}
	l.seats = seats{board: cfg.Board}
	l.sources = sources{most: cfg.MaxPerSource, counts: map[string]int{}}
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
	return l, nil
}

func (l *Loop) register() error {
	if err := l.epoll.add(l.bell.fd, unix.EPOLLIN, kindBell); err != nil {
		return err
	}
	if err := l.openSeats(); err != nil {
		return err
	}
	if l.cfg.ReportFD < 0 {
		return nil
	}
	return l.epoll.add(l.cfg.ReportFD, unix.EPOLLIN, kindReport)
}

func (l *Loop) close() {
	_ = l.epoll.close()
	_ = unix.Close(l.bell.fd)
}

// Run serves until the service was stopped and its last worker is gone.
func (l *Loop) Run() error {
	defer l.close()
	l.apply(l.policy.Start(l.now))
	l.sayCeilings()
	l.recount()
	l.keep()
	l.leaveSeats()
	if l.cfg.Watchdog > 0 {
		l.watchdog = l.now
	}
	l.seams.Ready(l.compose())
	for !l.done {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn is one pass. The clock is read once. Reports come before deadlines, so
// that nobody is late who has said something in time; before sockets, so that a
// worker which just became idle spares a birth; and before deaths, which come
// last, so that last words count.
func (l *Loop) turn() error {
	found, err := l.epoll.wait(l.timeout(), l.pace.lively())
	if err != nil {
		return err
	}
	now := l.seams.Now()
	l.pace.turn(l.now, now)
	l.now, l.births = now, 0
	l.ready.sort(found)
	l.consult()
	if l.cfg.ReportFD >= 0 && (l.ready.report || l.unread || len(l.ready.deaths) > 0) {
		l.readReports()
	}
	l.readChannels()
	l.apply(l.policy.Tick(l.now))
	l.birthAgain()
	l.sockets.tryAgain()
	l.missHungUp()
	l.connections()
	if l.ready.bell {
		l.answerBell()
	}
	l.bury()
	l.quiesce()
	l.keep()
	l.leaveSeats()
	l.tell()
	return nil
}

// events are the descriptors that one wait found ready, by kind.
type events struct {
	sockets, deaths, channels []int
	report, bell, ring        bool
}

func (e *events) sort(found []unix.EpollEvent) {
	e.sockets, e.deaths, e.channels = e.sockets[:0], e.deaths[:0], e.channels[:0]
	e.report, e.bell, e.ring = false, false, false
	for _, ev := range found {
		switch kind(ev.Pad) {
		case kindSocket:
			e.sockets = append(e.sockets, int(ev.Fd))
		case kindWorker:
			e.deaths = append(e.deaths, int(ev.Fd))
		case kindReport:
			e.report = true
		case kindChannel:
			e.channels = append(e.channels, int(ev.Fd))
		case kindBell:
			e.bell = true
		case kindRing:
			e.ring = true
		}
	}
}

// timeout is the time until the earliest deadline; negative = none.
func (l *Loop) timeout() time.Duration {
	if l.postponed != nil || l.unread {
		return 0
	}
	next, any := l.policy.Deadline()
	for _, d := range []policy.Instant{
		l.watchdog, l.line.due, l.line.expires, l.line.retry, l.full.clear, l.need.due, l.nextStore(), l.nextLeaver(), l.nextMissed(),
		l.seats.due, l.seats.rearm, l.sockets.again, l.extend,
	} {
		if d > 0 && (!any || d < next) {
			next, any = d, true
		}
	}
	if len(l.dying) > 0 {
		return askAgain
	}
	if !any {
		return -1
	}
	return max(0, next-l.seams.Now())
}
