package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/manager"
	"github.com/availd/availd/internal/nowait"
	"github.com/availd/availd/spawn"
)

// What a reload reads is looked up anew by the path that was given: a release is often
// switched by moving a link, and that of the working directory was followed when this
// process was started. All of it depends on file systems, which may hang, so none of it
// is done by the loop's goroutine.

// next is what was read for a reload that the loop has not taken over yet.
type next struct {
	cfg       config.Config
	path      string // of the worker program
	program   uint64
	directory directory // that it was read in
}

// directory tells the working directory from others; the zero value: it is not known.
type directory struct{ dev, inode uint64 }

// currentDirectory looks. It is not for the loop's goroutine, as the file system may hang.
func currentDirectory() directory {
	var st unix.Stat_t
	if unix.Stat(".", &st) != nil {
		return directory{}
	}
	return directory{uint64(st.Dev), st.Ino}
}

// prepare reads it, and calls done from another goroutine. The fields that it uses do
// not change meanwhile, as one reload is prepared at a time; d.cfg does, by availd set.
func (d *daemon) prepare(directory string, done func(error)) {
	perConnection := d.cfg.Protocol.PerConnection
	go func() {
		var err error
		nowait.Blocking(func() { err = d.read(directory, perConnection) })
		done(err)
	}()
}

// read changes to the working directory as its path leads now, and reads the
// configuration and finds the command from there. On error nothing has changed.
func (d *daemon) read(directory string, perConnection bool) (err error) {
	if directory == "" {
		ctx, cancel := manager.Unhurried()
		defer cancel()
		if directory, err = d.givenDirectory(ctx); err != nil {
			return err
		}
	}
	before, err := unix.Open(".", unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		before = -1 // it is gone
	} else {
		defer func() { _ = unix.Close(before) }()
	}
	if directory == "" { // what it is cannot be told
		directory = "."
	}
	if err := unix.Chdir(directory); err != nil {
		return fmt.Errorf("working directory %s: %w; the workers go on in the earlier one", directory, err)
	}
	if d.next, err = d.readFrom(perConnection); err != nil && before >= 0 {
		err = errors.Join(err, os.NewSyscallError("fchdir", unix.Fchdir(before)))
	}
	return err
}

func (d *daemon) readFrom(perConnection bool) (n next, err error) {
	if n.cfg, err = config.Load(d.options.Settings, d.options.Command); err != nil {
		return n, err
	}
	if n.path, err = spawn.Find(n.cfg.Command[0]); err != nil {
		return n, err
	}
	if err := d.checkCommand(n.cfg); err != nil {
		return n, err
	}
	if err := d.checked(n); err != nil {
		return n, err
	}
	if perConnection { // the others are tested by a worker
		if err := d.executable(n.path, n.cfg.Command[1:]); err != nil {
			return n, err
		}
	}
	n.program, n.directory = (&daemon{path: n.path, cfg: n.cfg}).programOf(), currentDirectory()
	return n, nil
}

// placeVariable tells the next image of an upgrade the path of the working directory: the
// link on the way to it may have been moved by then.
const placeVariable = "AVAILD_DIRECTORY"

// startedIn is the working directory by the path that led there: by PWD of the shell, if
// that is right.
func startedIn() string {
	if dir := os.Getenv(placeVariable); dir != "" {
		_ = os.Unsetenv(placeVariable)
		return dir
	}
	dir, _ := os.Getwd()
	return dir
}

// givenDirectory is the working directory by the path that the service was given: by
// WorkingDirectory= of its unit, or by the shell that started it. Where the service manager
// may not be asked it is what the path led to at the start. It is an error if the service
// manager has not answered: a link may have been moved, and a reload to what was there before
// it would be taken for a deployment.
func (d *daemon) givenDirectory(ctx context.Context) (string, error) {
	if unit := unitName(); unit != "" && d.place != "/" {
		dir, err := askDirectory(ctx, unit)
		if errors.Is(err, manager.ErrSilent) {
			return "", fmt.Errorf("WorkingDirectory= of %s is not known: %w; the workers go on as they are; reload again when systemd answers", unit, err)
		}
		if dir != "" {
			return dir, nil
		}
	}
	return d.place, nil
}

// askDirectory asks the service manager, "" = it cannot be asked. Where it is not told
// by the unit it is not asked for, as it is / then.
func askDirectory(ctx context.Context, unit string) (string, error) {
	p, err := manager.Show(ctx, unit, "WorkingDirectory")
	if err != nil {
		return "", err
	}
	dir := strings.TrimPrefix(p["WorkingDirectory"], "!") // one that may be missing
	if dir == "~" {
		dir = os.Getenv("HOME")
	}
	if !filepath.IsAbs(dir) {
		return "", nil
	}
	return dir, nil
}

// executePatience is how long the command of a reload may take to be executed.
const executePatience = 10 * time.Second

// errSlowExecute says that it took longer: its file is on a file system that does not
// answer, most likely.
var errSlowExecute = errors.New("the command was not executed within " + executePatience.String() +
	": see whether the file system that it is on answers")

// executable is canExecute with a bound. One that hangs keeps its thread until the file
// system answers, so there is no second one until then.
func (d *daemon) executable(path string, args []string) error {
	if !d.executing.CompareAndSwap(false, true) {
		return errSlowExecute
	}
	done := make(chan error, 1)
	go func() {
		defer d.executing.Store(false)
		done <- canExecute(path, args)
	}()
	select {
	case err := <-done:
		return err
	case <-time.After(executePatience):
		return errSlowExecute
	}
}

// canExecute executes the command, and ends it before its first instruction: a traced
// process stops right after execve(2) (ptrace(2), PTRACE_TRACEME).
func canExecute(path string, args []string) error {
	runtime.LockOSThread() // which is the tracer
	defer runtime.UnlockOSThread()
	cmd := &exec.Cmd{
		Path: path, Args: append([]string{path}, args...),
		SysProcAttr: &syscall.SysProcAttr{Ptrace: true, Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	err := cmd.Start()
	var refused *os.PathError
	switch {
	case errors.As(err, &refused) && (errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS)):
		return nil // tracing is not allowed here (SystemCallFilter=, Yama)
	case errors.As(err, &refused):
		return &spawn.CommandError{Path: path, Err: refused.Err}
	case err != nil:
		return err
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait() // killed, as it was told
	return nil
}
