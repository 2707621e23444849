package daemon

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/worker"
)

// openBoard takes the board of an earlier availd, on which its workers are, or
// makes one, where workers report. Without it all is well but slower, or inferred, so a
// failure is only said.
func (d *daemon) openBoard() (err error) {
	fd, wake := d.kept.board, d.kept.wake
	switch {
	case d.reports == nil && d.object == "":
		closeKept(fd, wake)
		return nil
	case d.stateLost || fd < 0 || wake < 0: // without the state nobody knows who has which slot
		closeKept(fd, wake)
	default:
		if d.board, err = board.Adopt(fd, wake); err == nil {
			return nil
		}
		event.Log(d.log, event.BoardLost, event.Cause(err))
	}
	if fd >= 0 || wake >= 0 {
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + boardName)
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + wakeName)
	}
	d.boardLost = true
	if d.board, err = board.Create(); err != nil {
		without := event.NoBoard
		if d.object != "" {
			without = event.NoBoardToPreload
		}
		event.Log(d.log, without, event.Cause(err))
	}
	return nil
}

func closeKept(fds ...int) {
	for _, fd := range fds {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
	}
}

// withBoard adds the board behind the sockets.
func (d *daemon) withBoard(generation uint64, h spawn.Handover, slot int) spawn.Handover {
	if d.object != "" {
		return d.withObject(generation, h, slot)
	}
	n := len(h.Files)
	h.Files = append(slices.Clip(h.Files), d.board.FD(), d.board.WakeFD())
	h.Env = append(slices.Clip(h.Env),
		worker.EnvBoardFD+"="+strconv.Itoa(n), worker.EnvWakeFD+"="+strconv.Itoa(n+1), worker.EnvSlot+"="+strconv.Itoa(slot))
	return h
}
