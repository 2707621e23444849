package cli

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

// holdsKey finds the files that are held, by path.
type holdsKey struct{}

// hold FILE takes a write lease on a file (fcntl(2)): whoever opens it, to execute it for
// example, waits, as for a file server that does not answer.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "hold FILE")
	f, err := os.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_WRLCK)
	ts.Check(err)
	ts.Value(holdsKey{}).(map[string]*os.File)[ts.MkAbs(args[0])] = f
	ts.Defer(func() { _ = f.Close() })
}

// letgo FILE gives it back.
func letgo(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) == 1, "letgo FILE")
	ts.Check(ts.Value(holdsKey{}).(map[string]*os.File)[ts.MkAbs(args[0])].Close())
}
