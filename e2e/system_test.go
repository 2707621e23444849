//go:build e2e

package e2e

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/e2e/machine"
)

// system is a machine that the scenarios run on.
type system struct {
	name    string
	recipe  machine.Recipe
	atLeast int      // systemd's version
	v1      bool     // has control groups of v1
	only    string   // pattern of the scenarios; "" = all
	not     []string // scenarios of all that another system runs
}

// prepare installs tools at most once a run.
var prepare = sync.OnceValue(func() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	return machine.Prepare(ctx)
})

// run boots the system and repeats the results of its scenarios as subtests.
func (s system) run(t *testing.T) {
	ctx := deadline(t)
	tree := s.tree(ctx, t)
	begin := time.Now()
	dir, err := artifacts()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("binaries are built after %v", time.Since(begin).Round(10*time.Millisecond))
	m := s.boot(ctx, t, tree, dir)
	s.scenarios(ctx, t, m)
	if t.Failed() {
		t.Log(inspect(m))
	}
}

// tree makes this host ready and returns the system's tree.
func (s system) tree(ctx context.Context, t *testing.T) string {
	possible(t, prepare())
	cache := machine.Cache{
		Dir:    cmp.Or(os.Getenv("AVAILD_E2E_CACHE"), "/var/cache/availd-e2e"),
		Mirror: os.Getenv("AVAILD_E2E_MIRROR"),
		Logf:   t.Logf,
	}
	dir, err := cache.Tree(ctx, s.recipe)
	possible(t, err)
	return dir
}

func (s system) boot(ctx context.Context, t *testing.T, tree, dir string) *machine.Machine {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	begin := time.Now()
	m, err := machine.Boot(ctx, machine.Config{
		Name: s.name,
		Tree: tree,
		V1:   s.v1,
		Binds: []machine.Bind{
			{Host: dir, Guest: harness.Dir},
			{Host: filepath.Join(moduleRoot, "examples"), Guest: harness.Examples},
		},
	})
	if err != nil {
		possible(t, err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Errorf("stop %s: %v", s.name, err)
		}
	})
	t.Logf("%s is %s after %v", s.name, m.State(ctx), time.Since(begin).Round(10*time.Millisecond))
	return m
}

// scenarios runs the guest half and hands on what it says.
func (s system) scenarios(ctx context.Context, t *testing.T, m *machine.Machine) {
	repeat(ctx, t, m.Command(ctx, s.guestArgs(ctx, guestBinary, "-test.v=test2json")...))
}

// guestArgs are the command of a test binary in the machine.
func (s system) guestArgs(ctx context.Context, binary string, flags ...string) []string {
	args := append([]string{
		"env", "-C", "/", harness.EnvGuest + "=1", fmt.Sprintf("%s=%d", harness.EnvSystemd, s.atLeast),
		fmt.Sprintf("%s=%t", harness.EnvV1, s.v1),
		harness.EnvLeak + "=" + os.Getenv(harness.EnvLeak),
		filepath.Join(harness.Dir, binary),
	}, flags...)
	if pattern := cmp.Or(guestPattern(), s.only); pattern != "" {
		args = append(args, "-test.run="+pattern)
	}
	if len(s.not) > 0 && guestPattern() == "" {
		args = append(args, "-test.skip=^("+strings.Join(s.not, "|")+")$")
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	if at, ok := ctx.Deadline(); ok { // its own, so that it says what it was waiting for
		args = append(args, "-test.timeout="+(time.Until(at)-5*time.Second).String())
	}
	return args
}

// inspect is what a person would look at first after a failure.
func inspect(m *machine.Machine) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var text strings.Builder
	for _, args := range [][]string{
		{"systemctl", "--failed", "--no-legend"},
		{"journalctl", "--no-pager", "--no-hostname", "--output=short-monotonic", "--lines=300"},
	} {
		out, err := m.Command(ctx, args...).CombinedOutput()
		fmt.Fprintf(&text, "# %s\n%s", strings.Join(args, " "), out)
		if err != nil {
			fmt.Fprintf(&text, "(%v)\n", err)
		}
	}
	return text.String()
}
