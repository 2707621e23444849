//go:build e2e && bench

package e2e

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/report"
	"github.com/availd/availd/e2e/machine"
)

// peers is a machine with the programs that availd is compared with.
var peers = system{name: "bench", recipe: machine.Peers("bookworm"), atLeast: 252}

// TestBench runs the benchmarks of package bench and shows what they say while
// they say it. When they are over it is in a file of its own, with a chart of each table, in
// AVAILD_BENCH_OUT or dist/bench.
func TestBench(t *testing.T) {
	ctx := deadline(t)
	tree := peers.tree(ctx, t)
	dir, err := artifacts()
	if err != nil {
		t.Fatal(err)
	}
	commit, err := exec.Command("git", "-C", moduleRoot, "describe", "--always", "--dirty").Output() // that was built
	if err != nil {
		commit = []byte("of no commit")
	}
	m := peers.boot(ctx, t, tree, dir)
	guest := m.Command(ctx, peers.guestArgs(ctx, benchBinary)...)
	var said bytes.Buffer
	out := io.MultiWriter(os.Stdout, &said)
	guest.Stdout, guest.Stderr = out, out
	if err := guest.Run(); err != nil {
		t.Errorf("the benchmarks: %v", err)
	}
	about := fmt.Sprintf("availd %s, benchmarks %s", strings.TrimSpace(string(commit)), cmp.Or(guestPattern(), "all"))
	paths, err := report.Write(cmp.Or(os.Getenv("AVAILD_BENCH_OUT"), filepath.Join(moduleRoot, "dist", "bench")),
		time.Now().UTC().Format("2006-01-02T150405"), about, said.String())
	if err != nil {
		t.Error(err)
	}
	fmt.Printf("\nwritten: %s\n", strings.Join(paths, " "))
}
