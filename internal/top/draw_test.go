package top

import (
	"io"
	"os"
	"strings"
	"testing"
)

// drawn is what Draw writes for each of some screens.
func drawn(t *testing.T, name string, screens ...[]string) (written []string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	term := &Terminal{out: w, kind: kindOf(name)}
	for _, s := range screens {
		if err := term.Draw(s); err != nil {
			t.Fatal(err)
		}
		_, _ = w.WriteString("|")
	}
	_ = w.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "|"), "|")
}

// TestDraw: only what differs is written, which is what makes a serial line fast enough.
func TestDraw(t *testing.T) {
	got := drawn(t, "xterm",
		[]string{"one", "two", ""}, []string{"one", "two", ""}, []string{"one", "twain", "x"}, []string{"one", "twä", ""}, []string{"one", "twö!"},
		[]string{"\x1b[1mone\x1b[0m"})
	want := []string{
		"\x1b[H\x1b[2J\x1b[1;1Hone\x1b[2;1Htwo\x1b[3;1H",
		"",
		"\x1b[2;3Hain\x1b[3;1Hx\x1b[3;1H",
		"\x1b[2;3Hä\x1b[K\x1b[3;1H\x1b[K\x1b[3;1H",
		"\x1b[2;3Hö!\x1b[2;1H",
		"\x1b[1;1H\x1b[1mone\x1b[0m\x1b[K\x1b[2;1H\x1b[K\x1b[1;1H",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("screen %d: %q, want %q", i+1, got[i], want[i])
		}
	}
}

func TestDrawDumb(t *testing.T) {
	got := drawn(t, "dumb", []string{"one", "", ""}, []string{"one", "", ""}, []string{"two"})
	for i, want := range []string{"one\r\n\r\n", "", "two\r\n\r\n"} {
		if got[i] != want {
			t.Errorf("screen %d: %q, want %q", i+1, got[i], want)
		}
	}
}

func TestKinds(t *testing.T) {
	for name, want := range map[string]kind{
		"": dumb, "dumb": dumb, "vt52": dumb, "vt100": addressable, "vt220": addressable, "linux": addressable, "xterm": switchable, "tmux-256color": switchable,
	} {
		if got := kindOf(name); got != want {
			t.Errorf("%q: %d, want %d", name, got, want)
		}
	}
}
