//go:build e2e

package e2e

import (
	"testing"

	"github.com/availd/availd/e2e/machine"
)

// TestTrees makes the trees of all machines. It says nothing of availd: a run of everything has
// it beside what comes before the scenarios, as most of it is waiting for packages.
func TestTrees(t *testing.T) {
	for _, suite := range []string{"bookworm", "trixie"} {
		for _, recipe := range []machine.Recipe{machine.Programs(suite), machine.Walks(suite)} { // each with its base
			t.Run(recipe.Key(), func(t *testing.T) {
				t.Parallel()
				system{recipe: recipe}.tree(deadline(t), t)
			})
		}
	}
}
