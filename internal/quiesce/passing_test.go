package quiesce

import "testing"

// TestPassing: a process goes from one connection to the next if it holds none of those
// of the look before, and what it holds can be told.
func TestPassing(t *testing.T) {
	sure := func(inodes ...uint64) (held []Connection) {
		for _, n := range inodes {
			held = append(held, Connection{FD: 4, Inode: n, Sure: true})
		}
		return held
	}
	var p passing
	for i, look := range []struct {
		held []Connection
		want bool
	}{
		{sure(1), false}, // what was before is not known
		{sure(1), false},
		{sure(2), true},
		{sure(2), false},
		{sure(3, 4), true},
		{sure(4, 5), false}, // the one that is left is no short one
		{sure(6), true},
		{[]Connection{{FD: 9, Inode: 7}}, false}, // what it is cannot be told
	} {
		if got := p.through(100, look.held); got != look.want {
			t.Errorf("look %d: %t, want %t", i, got, look.want)
		}
	}
	for pid := range 1000 {
		p.through(pid, sure(1))
	}
	if len(p) > mostPassing+1 {
		t.Errorf("%d processes are remembered", len(p))
	}
}
