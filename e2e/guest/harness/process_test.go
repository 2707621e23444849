package harness

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

func TestProcessSelf(t *testing.T) {
	p := Process{os.Getpid()}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if p.Exe() != exe || !slices.Equal(p.Args(), os.Args) || p.Parent() != os.Getppid() || p.Group() != syscall.Getpgrp() {
		t.Errorf("exe %q, args %q, parent %d, group %d are not mine", p.Exe(), p.Args(), p.Parent(), p.Group())
	}
	if got := p.Descriptors()[int(f.Fd())]; got != os.DevNull {
		t.Errorf("descriptor %d is open on %q, want %s", f.Fd(), got, os.DevNull)
	}
	before := p.CPU()
	for begin := time.Now(); p.CPU() == before; {
		if time.Since(begin) > 10*time.Second {
			t.Fatal("10 s of work are no processor time")
		}
	}
	if ran := p.Ran(); ran < p.CPU()/2 || ran == 0 {
		t.Errorf("threads ran %v, the process %v", ran, p.CPU())
	}
	if own, anon := p.PSS(), p.Anon(); anon == 0 || own == 0 || anon > 1<<40 || own > 1<<40 {
		t.Errorf("memory %d, of which mine %d", own, anon)
	}
	if !p.Alive() || p.Switches() == 0 || p.Started() == 0 {
		t.Errorf("state %q, %d switches, started %d", p.State(), p.Switches(), p.Started())
	}
}

// TestProcessChild looks at a program with a name that is hard to parse, while
// it waits and when it is gone.
func TestProcessChild(t *testing.T) {
	cat, err := exec.LookPath("cat")
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(cat)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "a) S 1 (b")
	if err := os.WriteFile(name, program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(name, "-", "-")
	cmd.Env = []string{"A=1", "EMPTY="}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := Process{cmd.Process.Pid}
	WaitFor(t, "the child to wait for its stdin", Patience, func() bool { return p.State() == "S" })
	switches := p.Switches()
	if p.Parent() != os.Getpid() || p.Command() != name+" - -" || !slices.Equal(p.Env(), cmd.Env) {
		t.Errorf("parent %d, command %q, environment %q", p.Parent(), p.Command(), p.Env())
	}
	for name, want := range map[string]bool{"A": true, "EMPTY": true, "B": false} {
		if _, ok := p.Getenv(name); ok != want {
			t.Errorf("%s is in the environment: %v, want %v", name, ok, want)
		}
	}
	Stays(t, "asleep", 100*time.Millisecond, func() bool { return p.Switches() == switches })
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if p.Alive() || p.State() != "" || p.Args() != nil || p.CPU() != 0 || p.Parent() != 0 || len(p.Descriptors()) != 0 {
		t.Errorf("gone, but state %q, args %q", p.State(), p.Args())
	}
}
