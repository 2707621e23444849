package daemon

import (
	"os"
	"runtime/debug"
)

// gcPercent is lower than Go's 100: the loop allocates next to nothing, so a
// collection is rare and short, and what the answer about a large pool leaves
// behind stays the smaller.
const gcPercent = 50

// saveMemory leaves it to the administrator who says GOGC (package runtime).
func saveMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
