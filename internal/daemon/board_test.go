package daemon

import (
	"log/slog"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/board"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/internal/survivors"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// boardDaemon is one with a report socket, which has got these descriptors back.
func boardDaemon(t *testing.T, fd, wake int) *daemon {
	t.Helper()
	reports, err := report.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{reports: reports, log: slog.New(slog.DiscardHandler), kept: kept{board: fd, wake: wake}}
	t.Cleanup(func() {
		_ = reports.Close()
		if d.board != nil {
			d.board.Close()
		}
	})
	return d
}

func keptBoard(t *testing.T) (fd, wake int) {
	t.Helper()
	b, err := board.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, of := range []int{b.FD(), b.WakeFD()} {
		copied, err := unix.FcntlInt(uintptr(of), unix.F_DUPFD_CLOEXEC, 3)
		if err != nil {
			t.Fatal(err)
		}
		fd, wake = wake, copied
	}
	return fd, wake
}

// TestOpenBoard: the earlier board is used if all of it is there, and so is the
// record of who sits where; else there is a new one, and who was on the other is
// replaced.
func TestOpenBoard(t *testing.T) {
	onBoard := survivors.Worker{Record: state.Record{Mark: state.Mark{State: policy.IdleState, Board: true}}}
	datagrams := survivors.Worker{Record: state.Record{Mark: state.Mark{State: policy.BusyState}}}
	starting := survivors.Worker{}
	for _, c := range []struct {
		name    string
		change  func(*daemon)
		boardOf bool // … the earlier availd
		started bool // are heard
	}{
		{"all is there", func(*daemon) {}, true, true},
		{"the state is lost", func(d *daemon) { d.stateLost = true }, false, false},
		{"the eventfd is lost", func(d *daemon) { closeKept(d.kept.wake); d.kept.wake = -1 }, false, false},
		{"another file came back", func(d *daemon) { _ = unix.Dup3(0, d.kept.board, unix.O_CLOEXEC) }, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := boardDaemon(t, -1, -1)
			d.kept.board, d.kept.wake = keptBoard(t)
			inode := inodeOf(d.kept.board)
			c.change(d)
			if err := d.openBoard(); err != nil || d.board == nil {
				t.Fatalf("no board: %v", err)
			}
			if same := inodeOf(d.board.FD()) == inode; same != c.boardOf {
				t.Errorf("the earlier board is used: %t, want %t", same, c.boardOf)
			}
			if d.cannotReport(onBoard) == c.boardOf || d.cannotReport(starting) == c.started || d.cannotReport(datagrams) {
				t.Errorf("cannot report: on the board %t, starting %t, of datagrams %t", d.cannotReport(onBoard), d.cannotReport(starting), d.cannotReport(datagrams))
			}
		})
	}
}

// TestNoBoard: where nobody reports there is none, and nobody is missed.
func TestNoBoard(t *testing.T) {
	d := &daemon{kept: kept{board: -1, wake: -1}}
	if err := d.openBoard(); err != nil || d.board != nil || d.cannotReport(survivors.Worker{}) {
		t.Errorf("board %v, cannot report %t, %v", d.board, d.cannotReport(survivors.Worker{}), err)
	}
}

// TestBoardHandover: the board follows the sockets, and what starts have in
// common is not changed by one.
func TestBoardHandover(t *testing.T) {
	d := boardDaemon(t, -1, -1)
	if err := d.openBoard(); err != nil {
		t.Fatal(err)
	}
	common := spawn.Handover{Files: make([]int, 5, 9), Env: make([]string, 1, 9)}
	first, second := d.withBoard(1, common, 7), d.withBoard(2, common, 8)
	if !slices.Equal(first.Files[5:], []int{d.board.FD(), d.board.WakeFD()}) ||
		!slices.Equal(first.Env[1:], []string{"AVAILD_BOARD_FD=5", "AVAILD_WAKE_FD=6", "AVAILD_SLOT=7"}) ||
		second.Env[3] != "AVAILD_SLOT=8" {
		t.Errorf("%+v, %+v", first, second)
	}
}
