package oneprocessor

import (
	"runtime"
	"testing"
)

// TestUndo: there is one from the beginning, and as many as were found where that is wanted.
func TestUndo(t *testing.T) {
	if found < 1 {
		t.Fatalf("%d were found", found)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	runtime.GOMAXPROCS(1)
	if Undo(); runtime.GOMAXPROCS(0) != found {
		t.Errorf("there are %d, want %d", runtime.GOMAXPROCS(0), found)
	}
}
