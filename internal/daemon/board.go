package daemon

import (
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/spawn"
	"github.com/availd/availd/worker"
)

// openBoard takes the board of an earlier availd, on which its workers are, or
// makes one, where workers report. Without it all is well but slower, so a
// failure is only said.
func (d *daemon) openBoard() (err error) {
	fd, wake := d.kept.board, d.kept.wake
	switch {
	case d.reports == nil:
		closeKept(fd, wake)
		return nil
	case d.lost || fd < 0 || wake < 0: // without the state nobody knows who sits where
		closeKept(fd, wake)
	default:
		if d.board, err = board.Adopt(fd, wake); err == nil {
			return nil
		}
		d.log.Warn("the earlier availability board cannot be used: "+err.Error()+
			", opening another; the workers that are on it are replaced", "event", "internal")
	}
	if fd >= 0 || wake >= 0 {
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + boardName)
		d.tell("FDSTOREREMOVE=1\nFDNAME=" + wakeName)
	}
	d.boardless = true
	if d.board, err = board.Create(); err != nil {
		d.log.Warn("no availability board: "+err.Error()+"; workers report by datagrams, proceeding", "event", "internal")
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
func (d *daemon) withBoard(h spawn.Handover, slot int) spawn.Handover {
	n := len(h.Files)
	h.Files = append(slices.Clip(h.Files), d.board.FD(), d.board.WakeFD())
	h.Env = append(slices.Clip(h.Env),
		worker.EnvBoardFD+"="+strconv.Itoa(n), worker.EnvWakeFD+"="+strconv.Itoa(n+1), worker.EnvSlot+"="+strconv.Itoa(slot))
	return h
}
