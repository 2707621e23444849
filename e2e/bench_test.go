//go:build e2e && bench

package e2e

import (
	"os"
	"testing"

	"github.com/availd/availd/e2e/machine"
)

// peers is a machine with the programs that availd is compared with.
var peers = system{name: "bench", recipe: machine.Peers("bookworm"), atLeast: 252}

// TestBench runs the benchmarks of package bench and shows what they say while
// they say it.
func TestBench(t *testing.T) {
	ctx := deadline(t)
	tree := peers.tree(ctx, t)
	dir, err := artifacts()
	if err != nil {
		t.Fatal(err)
	}
	m := peers.boot(ctx, t, tree, dir)
	guest := m.Command(ctx, peers.guestArgs(ctx, benchBinary)...)
	guest.Stdout, guest.Stderr = os.Stdout, os.Stdout
	if err := guest.Run(); err != nil {
		t.Errorf("the benchmarks: %v", err)
	}
}
