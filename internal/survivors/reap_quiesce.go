package survivors

import (
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/procfs"
	"github.com/availd/availd/internal/quiesce"
)

// divide tells those that SIGTERM asks to leave from those that it would end in the
// midst of a request, because they do not catch it. looker tells whether one of the
// latter holds a request; where that cannot be told there are none.
func divide(left []quiesce.Process) (polite, abrupt []quiesce.Process, looker *quiesce.Looker) {
	for _, p := range left {
		if procfs.Catches(p.PID, unix.SIGTERM) {
			polite = append(polite, p)
			continue
		}
		abrupt = append(abrupt, p)
		if looker == nil {
			looker = lookerOf(p)
		}
	}
	if looker == nil {
		return left, nil, nil
	}
	return polite, abrupt, looker
}

// lookerOf knows the listening sockets of a worker. Its environment tells where they
// are: from 3 on where it has LISTEN_FDS (sd_listen_fds(3)), else there is one as
// standard input, as FastCGI has it. Only they say which of its sockets are connections.
func lookerOf(p quiesce.Process) *quiesce.Looker {
	if !isWorker(p.PID) {
		return nil
	}
	text, isListed := procfs.Environ(p.PID, "LISTEN_FDS")
	if !isListed {
		return quiesce.Of(p, 0, 1)
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxListeners {
		return nil
	}
	return quiesce.Of(p, 3, n)
}

// maxListeners bounds what a worker's environment may say.
const maxListeners = 256

// The pauses between two looks.
const (
	firstPause = 10 * time.Millisecond
	lastPause  = 500 * time.Millisecond
)

// endFree ends those that hold no connection, as availd itself does with
// --retire-signal=quiesce, and goes on looking until then. Only those that seem free
// are stopped, to make sure.
func endFree(looker *quiesce.Looker, list []quiesce.Process, by time.Time) {
	for pause := firstPause; len(list) > 0 && time.Now().Before(by); pause = min(2*pause, lastPause) {
		free, holding := look(looker, list, false)
		signalAll(free, unix.SIGSTOP)
		free, more := look(looker, free, true)
		signalAll(free, unix.SIGKILL)
		signalAll(more, unix.SIGCONT)
		list = append(holding, more...)
		time.Sleep(min(pause, time.Until(by)))
	}
}

// look divides the list; those that have ended are in neither part.
func look(looker *quiesce.Looker, list []quiesce.Process, stopped bool) (free, others []quiesce.Process) {
	questions, states := make([]quiesce.Question, len(list)), make([]quiesce.State, len(list))
	for i, p := range list {
		questions[i] = quiesce.Question{Process: p, Stopped: stopped, Draining: true}
	}
	looker.Look(questions, states)
	for i, p := range list {
		switch states[i] {
		case quiesce.Free:
			free = append(free, p)
		case quiesce.Gone:
		default:
			others = append(others, p)
		}
	}
	return free, others
}
