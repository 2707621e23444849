package daemon

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/internal/state"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// learnt is what an earlier availd knew of its program.
func learnt() policy.Memory {
	m := policy.Forgotten()
	m.Generation, m.Reported, m.Healthy, m.Startup, m.Calm = 7, true, true, 5, 6
	m.Throttled, m.ThrottleDue, m.NextPause, m.ThrottleGeneration = true, 1<<40, 1<<36, 7
	m.StressUntil, m.LastWarning, m.Counters.Requests = 1<<41, 1<<39, 99
	return m
}

// TestOtherProgram: what was learnt of one program is not applied to another,
// whichever way the command came to be another one.
func TestOtherProgram(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(d *daemon, dir string)
		same   bool
	}{
		{"nothing", func(*daemon, string) {}, true},
		{"sockets and addresses are no program", func(d *daemon, _ string) { d.fingerprint++ }, true},
		{"another path", func(d *daemon, dir string) { d.path = filepath.Join(dir, "two") }, false},
		{"another argument", func(d *daemon, _ string) { d.cfg.Command[2] = "--verbose" }, false},
		{"arguments run together", func(d *daemon, _ string) {
			d.cfg.Command = []string{d.cfg.Command[0], d.cfg.Command[1] + " " + d.cfg.Command[2]}
		}, false},
		{"another protocol", func(d *daemon, _ string) { d.cfg.Protocol = protocol.Queue }, false},
		{"a moved link", func(_ *daemon, dir string) {
			must(t, os.Remove(filepath.Join(dir, "link")))
			must(t, os.Symlink("two", filepath.Join(dir, "link")))
		}, false},
		{"a replaced file", func(_ *daemon, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "new"), []byte("1"), 0o755))
			must(t, os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "one")))
		}, false},
		{"a file that was written over", func(_ *daemon, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "one"), []byte("other"), 0o755))
		}, false},
		{"a script of an interpreter", func(_ *daemon, dir string) {
			must(t, os.WriteFile(filepath.Join(dir, "script"), []byte("other"), 0o644))
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range []string{"one", "two", "script"} {
				must(t, os.WriteFile(filepath.Join(dir, name), []byte("1"), 0o755))
			}
			must(t, os.Symlink("one", filepath.Join(dir, "link")))
			d := &daemon{path: filepath.Join(dir, "link"), fingerprint: 3, cfg: config.Config{
				Protocol: protocol.Auto, Command: []string{"worker", filepath.Join(dir, "script"), "-v"},
			}}
			before := state.Service{Program: d.programOf(), Command: 3}
			test.change(d, dir)
			d.expect(t, before, test.same)
		})
	}
}

// expect holds what is left of the memory against what may be.
func (d *daemon) expect(t *testing.T, before state.Service, same bool) {
	t.Helper()
	want := learnt()
	if !same {
		want = policy.Forgotten()
		want.Generation, want.StressUntil, want.LastWarning, want.Counters = 7, 1<<41, 1<<39, learnt().Counters
		want.ThrottleDue = 1<<63 - 1
	}
	got := learnt()
	d.forgetOther(&got, before, false)
	if got != want {
		t.Errorf("with no worker left\n%+v, want\n%+v", got, want)
	}
	if d.program != d.programOf() {
		t.Error("what is learnt from now on would be taken for another program's")
	}
	// While workers of the earlier program live, it stays known whether they
	// report; the next start without them forgets that, too.
	got, want.Reported = learnt(), true
	d.forgetOther(&got, before, true)
	if got != want {
		t.Errorf("with living workers\n%+v, want\n%+v", got, want)
	}
	if d.program != before.Program {
		t.Error("the living workers' program is not on record any more")
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestGenerationsOfTheDead: a generation that only an intent, a dead worker or a
// descriptor in the store knows of is used up.
func TestGenerationsOfTheDead(t *testing.T) {
	f, err := state.Create()
	must(t, err)
	defer f.Close()
	d := &daemon{state: f, command: &spawn.Command{}, path: "/bin/true", cfg: config.Config{Protocol: protocol.Auto, Command: []string{"true"}}}
	f.SetService(state.Service{Generation: 3})
	if _, err := f.Intend(9, 1, false); err != nil {
		t.Fatal(err)
	}
	r := d.restore()
	if r == nil || r.Memory.Generation < 9 {
		t.Errorf("restored %+v: generation 9 would be given to a second worker", r)
	}
}
