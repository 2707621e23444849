package daemon

import (
	"os/exec"
	"testing"
)

// TestHasChildren: one that has ended and was not waited for counts, too.
func TestHasChildren(t *testing.T) {
	if hasChildren() {
		t.Fatal("there is one already")
	}
	child := exec.Command("true")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if !hasChildren() {
		t.Error("none is seen")
	}
	if err := child.Wait(); err != nil {
		t.Fatal(err)
	}
	if hasChildren() {
		t.Error("it is there after its end")
	}
}
