package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/availd/availd/spawn"
)

// TestMain makes this binary all the programs of the scripts: availd itself, a
// worker, a client, and a small service manager. Workers are started by executing
// availd's own binary again, which here is this one: so Become comes first.
func TestMain(m *testing.M) {
	spawn.Become()
	if dir := os.Getenv("AVAILD_TEST_BOOTED"); dir != "" {
		booted = dir
	}
	if dir := os.Getenv("AVAILD_TEST_CONF"); dir != "" {
		generatorConf, packagedUnits = dir, []string{os.Getenv("AVAILD_TEST_PACKAGED")}
	}
	availd := func() {
		runtime.GOMAXPROCS(1) // as internal/oneprocessor has it
		os.Exit(Main(os.Args, ""))
	}
	testscript.Main(m, map[string]func(){
		"availd":   availd,
		"activate": activate,
		"work":     work,
		"get":      get,
		"insist":   insist,
		"many":     many,

		"work-background": workBackground,
		"work-once":       workOnce,
		"rush":            rush,

		"work-inetd": workInetd,
		"say":        say,

		"work-postfix":  workPostfix,
		"rogue":         rogue,
		"availd-locked": locked,
		generatorName:   availd,
		"work-deployed": workDeployed,
		"work-hold":     workHold,
	})
}

// TestScripts runs the command line and the whole daemon, as a user would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			root, noRoot := filepath.Abs(root)
			program, noProgram := exec.LookPath("availd")
			e.Setenv("ROOT", root)
			e.Setenv("AVAILD", program)
			e.Setenv("XDG_RUNTIME_DIR", e.WorkDir+"/run")
			e.Values[daemonsKey{}] = daemons{}
			e.Values[holdsKey{}] = map[string]*os.File{}
			e.Values[managerKey{}] = &serviceManager{}
			return errors.Join(noRoot, noProgram, os.Mkdir(e.WorkDir+"/run", 0o700))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"start":    start,
			"sig":      sig,
			"ends":     ends,
			"waitfor":  waitFor,
			"logged":   logged,
			"until":    until,
			"manager":  openManager,
			"notified": notified,
			"fifo":     fifo,
			"release":  release,
			"hold":     hold,
			"letgo":    letgo,
		},
	})
}

// exits STATUS PROGRAM [ARG…] runs a program to its end.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	usageOf(ts, !neg && len(args) >= 2, "exits STATUS PROGRAM [ARG…]")
	status, err := 0, ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		status = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if strconv.Itoa(status) != args[0] {
		ts.Fatalf("%s ended with status %d, want %s", args[1], status, args[0])
	}
}

func usageOf(ts *testscript.TestScript, ok bool, usage string) {
	if !ok {
		ts.Fatalf("usage: %s", usage)
	}
}
