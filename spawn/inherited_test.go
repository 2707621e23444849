package spawn

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// TestInherited asserts what the worker finds although its parent was started
// with other limits, dispositions and a blocked signal.
func TestInherited(t *testing.T) { all(t, testInherited) }

func testInherited(t *testing.T) {
	for _, c := range []struct {
		name, setup string
		ignorePipe  bool
		want        []string
	}{
		{"limit", "ulimit -Sn 100; ulimit -Hn 200", false, []string{"limit 100 200", "SigIgn 0000000000000000"}},
		{"pipe ignored", "trap '' PIPE", true, []string{"SigIgn 0000000000001000"}},
		{"others ignored", "trap '' HUP INT USR1 TERM", false, []string{"SigIgn 0000000000000000"}},
		{"mask", "", false, []string{"SigBlk 0000000000000000"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "out")
			script := `awk '/^Sig(Blk|Ign)/{print substr($1,1,6), $2}' /proc/self/status > ` + out +
				`; echo limit $(ulimit -Sn) $(ulimit -Hn) >> ` + out + `; awk '{print "group", $5-$1}' /proc/$$/stat >> ` + out
			setup := c.setup
			if setup == "" {
				setup = "true"
			}
			runParent(t, setup, Command{Path: "/bin/sh", Args: []string{"-c", script}, IgnoreSIGPIPE: c.ignorePipe})
			got := read(t, out)
			for _, w := range append(c.want, "group 0") {
				if !strings.Contains(got, w) {
					t.Errorf("want %q in\n%s", w, got)
				}
			}
		})
	}
}

// TestBlockedSignals starts the parent with signals blocked, which a shell
// cannot do.
func TestBlockedSignals(t *testing.T) { all(t, testBlockedSignals) }

func testBlockedSignals(t *testing.T) {
	python := testutil.Program(t, "python3")
	out := filepath.Join(t.TempDir(), "out")
	script := `grep SigBlk /proc/self/status > ` + out
	setup := `exec ` + python + ` -c 'import signal,os,sys; signal.pthread_sigmask(signal.SIG_BLOCK,{signal.SIGTERM,signal.SIGUSR1}); os.execv(sys.argv[1],sys.argv[1:])' "$0"; true`
	runParent(t, setup, Command{Path: "/bin/sh", Args: []string{"-c", script}})
	if got := read(t, out); !strings.Contains(got, "0000000000000000") {
		t.Errorf("the worker began with blocked signals: %s", got)
	}
}
