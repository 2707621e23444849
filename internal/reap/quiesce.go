package reap

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
	"github.com/availd/availd/worker"
)

// divide tells those that SIGTERM asks to leave from those that it would end in the
// midst of a request, because they do not catch it. looker tells whether one of the
// latter holds a request; where that cannot be told there are none.
func divide(left []process) (polite, abrupt []process, looker *quiesce.Looker) {
	for _, p := range left {
		if procfs.Catches(p.pid, unix.SIGTERM) {
			polite = append(polite, p)
			continue
		}
		abrupt = append(abrupt, p)
		if looker == nil {
			looker = lookerOf(p.pid)
		}
	}
	if looker == nil {
		return left, nil, nil
	}
	return polite, abrupt, looker
}

// lookerOf knows the listening sockets of a worker, which are from 3 on where its
// environment tells of them (sd_listen_fds(3)). Only they say which of its sockets are
// connections.
func lookerOf(pid int) *quiesce.Looker {
	_, isWorker := procfs.Environ(pid, worker.EnvGeneration)
	text, _ := procfs.Environ(pid, "LISTEN_FDS")
	n, err := strconv.Atoi(text)
	if !isWorker || err != nil || n < 1 || n > maxListeners {
		return nil
	}
	return quiesce.Of(pid, 3, n)
}

// maxListeners bounds what a worker's environment may say.
const maxListeners = 256

// The pauses between two looks.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// endFree ends those that hold no connection, as availd itself does with
// --retire-signal=quiesce, and goes on looking until then.
func endFree(looker *quiesce.Looker, list []process, by time.Time) {
	for pause := firstPause; len(list) > 0 && time.Now().Before(by); pause = min(2*pause, lastPause) {
		signalAll(list, unix.SIGSTOP)
		pids, states := make([]int, len(list)), make([]quiesce.State, len(list))
		for i, p := range list {
			pids[i] = p.pid
		}
		looker.Look(pids, states)
		var holding []process
		for i, p := range list {
			switch states[i] {
			case quiesce.Free:
				signalAll(list[i:i+1], unix.SIGKILL)
			case quiesce.Gone:
			default:
				holding = append(holding, p)
			}
		}
		signalAll(holding, unix.SIGCONT)
		list = holding
		time.Sleep(min(pause, time.Until(by)))
	}
}
