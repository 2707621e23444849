package cli

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// patience bounds every wait for an event that a script expects.
const patience = time.Minute

// daemons are the processes that the script has started and not waited for.
type (
	daemons    map[string]*background
	daemonsKey struct{}
)

type background struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

func running(ts *testscript.TestScript, name string) *background {
	d := ts.Value(daemonsKey{}).(daemons)[name]
	if d == nil {
		ts.Fatalf("%s is not running", name)
	}
	return d
}

// start NAME PROGRAM [ARG…] runs a program in the background, with a runtime
// directory as the service NAME has it. What it says, standard error included,
// goes to NAME.log.
func start(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) >= 2, "start NAME PROGRAM [ARG…]")
	name, dir := args[0], ts.Getenv("XDG_RUNTIME_DIR")+"/availd/"+args[0]
	ts.Check(os.MkdirAll(dir, 0o755))
	log, err := os.Create(ts.MkAbs(name + ".log"))
	ts.Check(err)
	defer log.Close()
	path, err := exec.LookPath(args[1]) // testscript.Main has put ours into PATH
	ts.Check(err)
	b := &background{cmd: exec.Command(path, args[2:]...), done: make(chan struct{})}
	b.cmd.Args[0] = args[1]
	b.cmd.Dir, b.cmd.Stdout, b.cmd.Stderr = ts.MkAbs("."), log, log
	b.cmd.Env = append(environment(ts), "RUNTIME_DIRECTORY="+dir)
	ts.Check(b.cmd.Start())
	go func() { _ = b.cmd.Wait(); close(b.done) }() // the state tells how it ended
	ts.Value(daemonsKey{}).(daemons)[name] = b
	ts.Defer(b.finish)
}

// environment is what exec of the script would give. A daemon must not find the
// variables of the service that these tests may run in.
func environment(ts *testscript.TestScript) []string {
	var env []string
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "WORK", "XDG_RUNTIME_DIR", "NOTIFY_SOCKET", "GOCOVERDIR"} {
		if value := ts.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// finish ends what a failed script left running: two TERMs make availd kill its
// workers.
func (b *background) finish() {
	for _, s := range []os.Signal{unix.SIGTERM, unix.SIGTERM, unix.SIGKILL} {
		_ = b.cmd.Process.Signal(s)
		select {
		case <-b.done:
			return
		case <-time.After(time.Second):
		}
	}
}

// sig NAME SIGNAL sends a signal.
func sig(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 2, "sig NAME SIGNAL")
	ts.Check(running(ts, args[0]).cmd.Process.Signal(unix.SignalNum("SIG" + args[1])))
}

// ends NAME STATUS waits for the end of a program.
func ends(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 2, "ends NAME STATUS")
	b := running(ts, args[0])
	select {
	case <-b.done:
	case <-time.After(patience):
		ts.Fatalf("%s has not ended after %v\n%s", args[0], patience, ts.ReadFile(args[0]+".log"))
	}
	delete(ts.Value(daemonsKey{}).(daemons), args[0])
	if s := strconv.Itoa(b.cmd.ProcessState.ExitCode()); s != args[1] {
		ts.Fatalf("%s ended with status %s, want %s\n%s", args[0], s, args[1], strings.TrimSpace(ts.ReadFile(args[0]+".log")))
	}
}
