package procfs

import (
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// TestParseCall: what is no wait in a system call is none.
func TestParseCall(t *testing.T) {
	c, ok := ParseCall("43 0x3 0x7ffe 0x7ffd 0x0 0x0 0x0 0x7ffc 0x7f00\n")
	if !ok || c.Number != 43 || c.Args[0] != 3 || c.Args[1] != 0x7ffe {
		t.Errorf("%+v, %t", c, ok)
	}
	for _, text := range []string{"running\n", "-1 0x7ffc 0x7f00\n", "", "43 0x3\n", "x 0x3 0x7ffe 0x7ffd 0x0 0x0 0x0 0x7ffc 0x7f00\n"} {
		if c, ok := ParseCall(text); ok {
			t.Errorf("%q is taken for %+v", text, c)
		}
	}
}

// TestReadMemory reads this process's own.
func TestReadMemory(t *testing.T) {
	text := []byte("what is in memory")
	got := make([]byte, len(text))
	if !ReadMemory(unix.Getpid(), uint64(uintptr(unsafe.Pointer(&text[0]))), got) || string(got) != string(text) {
		t.Errorf("got %q, want %q", got, text)
	}
	if ReadMemory(unix.Getpid(), 0, got) {
		t.Error("there is something at address 0")
	}
}
