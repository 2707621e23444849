package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/spawn"
)

// A trial is `availd run` with the same words and this variable, which names
// the descriptor of a sealed copy of the state. It answers with trialPassed.
const (
	trialVariable = "AVAILD_TRIAL"
	trialPassed   = "availd: trial passed"
	trialLimit    = 5 * time.Second
)

// Trial is the other side: it does what the start of this binary would do with
// the state and the command line, and touches nothing. false: this is no trial.
func Trial(o Options) (bool, error) {
	text, ok := os.LookupEnv(trialVariable)
	if !ok {
		return false, nil
	}
	cfg, err := config.Load(o.Settings, o.Command)
	if err != nil {
		return true, badConfig(err)
	}
	if text != "3" {
		return true, misconfigured(errors.New(trialVariable + " is not 3"))
	}
	f, err := state.View(3)
	if err != nil {
		return true, misconfigured(err)
	}
	defer f.Close()
	if _, ok := f.Service(); !ok {
		return true, misconfigured(state.ErrCorrupt)
	}
	fmt.Printf("%s, %s understands the state of %s with %d workers\n", trialPassed, o.Version, cfg.Command[0], len(f.Records()))
	return true, nil
}

// trial runs the installed binary in a process of its own, and tells done how
// it went from another goroutine.
func (d *daemon) trial(done func(error)) {
	fd, err := d.state.Copy()
	if err != nil {
		go done(err)
		return
	}
	go func() {
		copied := os.NewFile(uintptr(fd), "state")
		defer func() { _ = copied.Close() }()
		var err error
		nowait.Blocking(func() { err = tryBinary(d.options.Executable, copied) })
		done(err)
	}()
}

func tryBinary(path string, copied *os.File) error {
	ctx, cancel := context.WithTimeout(context.Background(), trialLimit)
	defer cancel()
	var out head
	cmd := exec.CommandContext(ctx, path, os.Args[1:]...)
	cmd.Env = append(trialEnviron(os.Environ()), trialVariable+"=3")
	cmd.ExtraFiles = []*os.File{copied}
	cmd.Stdout, cmd.Stderr = &out, &out
	// A trial must not outlive a killed availd, in whose service it would be a
	// stranger. The signal comes with the end of the thread that started it,
	// PR_SET_PDEATHSIG(2const), and no thread of Go's ends before the process, but one that
	// a goroutine was locked to at its end.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with all that it started
	cmd.WaitDelay = time.Second                                                          // for one that left the group with the pipe
	done, err := spawn.Own(func() (int, error) {
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		return cmd.Process.Pid, nil
	})
	if err == nil {
		err = cmd.Wait()
	}
	done()
	said := oneLine(string(out))
	switch {
	case ctx.Err() != nil:
		return event.TrialLate.With(event.Path(path), event.Took(trialLimit))
	case err != nil && said != "":
		return fmt.Errorf("%s: %w: %s", path, err, said)
	case err != nil:
		return fmt.Errorf("%s: %w", path, err)
	case !bytes.Contains(out, []byte(trialPassed)):
		return event.TrialSilent.With(event.Path(path))
	}
	return nil
}

// head keeps the beginning of what is written to it: a program that is no availd
// may say a lot in the time it has.
type head []byte

const headSize = 4 << 10

func (h *head) Write(p []byte) (int, error) {
	*h = append(*h, p[:min(len(p), headSize-len(*h))]...)
	return len(p), nil
}

// trialEnviron leaves out what would make the trial speak to the service
// manager.
func trialEnviron(environ []string) []string {
	var env []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if name != "NOTIFY_SOCKET" && !strings.HasPrefix(name, "WATCHDOG_") {
			env = append(env, v)
		}
	}
	return env
}

// oneLine shortens what a program printed for a log line: its first line says
// the most.
func oneLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	line = strings.TrimSpace(line)
	if len(line) > 200 {
		line = line[:200]
	}
	return prose.Printable(line)
}

// execute becomes the installed binary: the same pid, workers and sockets. It
// returns only on error, and then nothing has changed.
func (d *daemon) execute(workers, channels []loop.Handed, templates []loop.HandedTemplate) error {
	list := []activation.Stored{{FD: d.state.FD(), Name: stateName}}
	if d.area != nil {
		list = append(list, activation.Stored{FD: d.area.FD, Name: historyName})
	}
	if d.reports != nil {
		list = append(list, activation.Stored{FD: d.reports.FD(), Name: reportsName})
	}
	if d.control != nil {
		list = append(list, activation.Stored{FD: d.control.FD, Name: controlName})
	}
	if d.board != nil {
		list = append(list, activation.Stored{FD: d.board.FD(), Name: boardName}, activation.Stored{FD: d.board.WakeFD(), Name: wakeName})
	}
	for _, group := range [][]activation.Socket{d.sockets.Workers, d.sockets.Control, d.sockets.Status, d.sockets.Agent} {
		for _, s := range group {
			list = append(list, activation.Stored{FD: s.FD, Name: s.Name})
		}
	}
	if d.cfg.Protocol.Channel {
		list = append(list, activation.Stored{FD: d.flow[0], Name: flowReadName}, activation.Stored{FD: d.flow[1], Name: flowWriteName})
	}
	for _, t := range templates {
		name := leavingName
		if t.Current {
			name = templateName
		}
		list = append(list, activation.Stored{FD: t.Channel, Name: fmt.Sprintf("%s%d", name, t.PID)},
			activation.Stored{FD: t.FD, Name: fmt.Sprintf("%s%d", pidfdName, t.PID)})
	}
	list = append(list, numberedAll(channelName, channels)...)
	list = append(list, numberedAll(workerName, workers)...) // last: without its pidfd a worker is found by its record
	variable, undo, err := activation.HandOver(list)
	if err != nil {
		return err
	}
	if d.options.IgnoreSIGPIPE {
		signal.Ignore(unix.SIGPIPE) // exec keeps what is ignored, for the next image to find
	}
	keepSignals := d.signals.handOn()
	defer keepSignals()
	event.Log(d.log, event.Upgrading, event.Path(d.options.Executable))
	d.flush()
	env := append(os.Environ(), variable, placeVariable+"="+d.place)
	if d.listened {
		env = append(env, ownedVariable+"=yes")
	}
	err = d.become(env)
	undo()
	return os.NewSyscallError("execve "+d.options.Executable, err)
}

// become executes the installed binary with the limit of descriptors that this
// one was started with. Package syscall does so too, but where it fails it leaves
// us with that, which may be less than is open, and does it only once.
func (d *daemon) become(env []string) error {
	began := d.options.OwnDescriptors
	var now unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &now) == nil && began.Max != 0 {
		_ = unix.Setrlimit(unix.RLIMIT_NOFILE, &began)
		defer func() { _ = unix.Setrlimit(unix.RLIMIT_NOFILE, &now) }()
	}
	return syscall.Exec(d.options.Executable, os.Args, env)
}

func numberedAll(prefix string, handed []loop.Handed) (list []activation.Stored) {
	for _, h := range handed {
		list = append(list, activation.Stored{FD: h.FD, Name: fmt.Sprintf("%s%d", prefix, h.Generation)})
	}
	return list
}
