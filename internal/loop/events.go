package loop

import "golang.org/x/sys/unix"

// This file sorts what a wait has found ready, for the turn, by the kind that each descriptor
// was registered with.

// kind tells what a registered descriptor is.
type kind int32

const (
	kindSocket kind = iota + 1
	kindWorker
	kindReport
	kindChannel
	kindWake
	kindBoard
	kindDown
	kindTemplate
	kindTimer
	kindUntaken
	kindArrivals
)

// events are the descriptors that one wait found ready, by kind.
type events struct {
	sockets, ended, channels  []int
	templates                 []int
	report, wake, board, down bool
	untaken, arrivals         bool
}

func (e *events) sort(found []unix.EpollEvent) {
	e.sockets, e.ended, e.channels, e.templates = e.sockets[:0], e.ended[:0], e.channels[:0], e.templates[:0]
	e.report, e.wake, e.board, e.down, e.untaken, e.arrivals = false, false, false, false, false, false
	for _, ev := range found {
		switch kind(ev.Pad) {
		case kindSocket:
			e.sockets = append(e.sockets, int(ev.Fd))
		case kindWorker:
			e.ended = append(e.ended, int(ev.Fd))
		case kindReport:
			e.report = true
		case kindChannel:
			e.channels = append(e.channels, int(ev.Fd))
		case kindWake:
			e.wake = true
		case kindBoard:
			e.board = true
		case kindDown:
			e.down = true
		case kindTemplate:
			e.templates = append(e.templates, int(ev.Fd))
		case kindUntaken:
			e.untaken = true
		case kindArrivals:
			e.arrivals = true
		}
	}
}
