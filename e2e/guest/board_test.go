//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/worker"
)

// board is the worker that shows on the board whether it is idle.
var board = []string{filepath.Join(harness.Workers, "http-c-board")}

// mixed is a command whose workers use the board or not, by turns.
const mixed = "#!/bin/sh\ncase $AVAILD_GENERATION in *[02468]) exec '%s';; esac\nexec '%s'\n"

// TestBoardLost loses nothing: availd is killed under load, replaced in place,
// reloaded and stopped, while its workers are heard on the board, or some of
// them.
func TestBoardLost(t *testing.T) {
	for _, name := range []string{"all", "mixed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := pool{name: "board-lost-" + name, options: []string{"--limit=4"}, command: board}
			if name == "mixed" {
				p.command = []string{filepath.Join(filesRoot, p.name, "mixed.sh")}
			}
			s := p.inPlace().install(t, func(s *service) {
				s.deploy(harness.Availd)
				s.write("mixed.sh", fmt.Sprintf(mixed, board[0], fast[0]))
			})
			boardLost(t, s)
		})
	}
}

func boardLost(t *testing.T, s *service) {
	g := s.besiege(4)
	s.await("a full pool", full(4))
	workers := s.workersNow()
	g.crash(4)
	g.kept(workers)
	for i := range 4 {
		before := *s.state().Counters.Requests
		s.deploy(versions[(i+1)%2].path)
		harness.MustRun(t, harness.Availd, "upgrade", s.Name)
		g.more(30)
		if now := *s.state().Counters.Requests; now < before+20 {
			t.Errorf("%d requests are counted after an upgrade, and were %d before: the board is not read", now, before)
		}
	}
	g.kept(workers)
	last := s.youngest()
	s.Reload()
	s.replaced(last)
	g.crash(1)
	s.await("a full pool again", full(4))
	harness.Systemctl(t, "restart", s.Service())
	harness.WaitFor(t, "a long request more", harness.Patience, more(g.slow, 1))
	g.lift()
	harness.Systemctl(t, "stop", s.Socket(), s.Service())
	s.gone()
}

// TestBoardVandal has a worker fill the whole board with rubbish and ring all the
// time, and then has workers end without a word. availd goes on, and everybody is
// served.
func TestBoardVandal(t *testing.T) {
	t.Parallel()
	s := pool{name: "board-vandal", options: []string{"--limit=4"}, command: board}.install(t)
	g := s.besiege(4)
	s.await("a full pool", full(4))
	main := s.Main()
	victim := s.Workers()[0]
	memory, wake := s.vandalise(victim)
	for i, filling := range []byte{0xff, 0x00, 0xa5} {
		for at := range memory {
			memory[at] = filling + byte(at*i)
		}
		ringing := [8]byte{0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}
		for range 1000 {
			_, _ = unix.Write(wake, ringing[:]) // full is as good
		}
		g.more(30)
	}
	if s.Main() != main {
		t.Errorf("availd is another process: %v, was %v", s.Main(), main)
	}
	g.crash(1) // the next one has no use for such a board
	g.lift()
	for range 4 { // the next request finds bits of the dead
		shoot(t, s.Workers()[0])
		s.fetch(sleepPath(work))
	}
}

// vandalise opens the board and the eventfd of a worker.
func (s *service) vandalise(of harness.Process) (memory []byte, wake int) {
	s.t.Helper()
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/map_files", of.PID))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		path := fmt.Sprintf("/proc/%d/map_files/%s", of.PID, e.Name())
		if target, _ := os.Readlink(path); !strings.HasPrefix(target, "/memfd:availd.board") {
			continue
		}
		file, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			s.t.Fatal(err)
		}
		defer file.Close()
		memory, err = unix.Mmap(int(file.Fd()), 0, worker.BoardSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { _ = unix.Munmap(memory) })
	}
	if memory == nil {
		s.t.Fatalf("worker %d has no board", of.PID)
	}
	return memory, s.wakeOf(of)
}

// wakeOf is a copy of the worker's eventfd, which cannot be opened by a path.
func (s *service) wakeOf(of harness.Process) int {
	s.t.Helper()
	pidfd, err := unix.PidfdOpen(of.PID, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer unix.Close(pidfd)
	text, _ := of.Getenv(worker.EnvWakeFD)
	var number int
	if _, err := fmt.Sscan(text, &number); err != nil {
		s.t.Fatalf("%s=%q: %v", worker.EnvWakeFD, text, err)
	}
	wake, err := unix.PidfdGetfd(pidfd, number, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = unix.Close(wake) })
	return wake
}
