package cli

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// newTerminal is one of so many columns.
func newTerminal(t *testing.T, columns uint16) int {
	t.Helper()
	master, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(master) })
	if err := unix.IoctlSetPointerInt(master, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(master, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	return master // which has the size of the other end, and is a terminal too
}

func TestStatusStyle(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	none := int(file.Fd())
	for _, c := range []struct {
		name  string
		color string
		out   int
		env   map[string]string
		want  status.Style
	}{
		{"terminal", "auto", newTerminal(t, 100), nil, status.Style{Width: 100, Color: true}},
		{"of unknown size", "auto", newTerminal(t, 0), nil, status.Style{Width: 80, Color: true}},
		{"without colours", "auto", newTerminal(t, 100), map[string]string{"NO_COLOR": "1"}, status.Style{Width: 100}},
		{"dumb", "auto", newTerminal(t, 100), map[string]string{"TERM": "dumb"}, status.Style{Width: 100}},
		{"a terminal of DEC", "auto", newTerminal(t, 100), map[string]string{"TERM": "vt100"}, status.Style{Width: 100}},
		{"never", "never", newTerminal(t, 100), nil, status.Style{Width: 100}},
		{"file", "auto", none, nil, status.Style{}},
		{"watch", "always", none, map[string]string{"COLUMNS": "70"}, status.Style{Width: 70, Color: true}},
		{"nonsense", "auto", none, map[string]string{"COLUMNS": "-3"}, status.Style{}},
		{"whoever asks gets it", "always", none, map[string]string{"NO_COLOR": "1"}, status.Style{Color: true}},
		{"COLUMNS before the terminal", "auto", newTerminal(t, 100), map[string]string{"COLUMNS": "60"}, status.Style{Width: 60, Color: true}},
	} {
		got := statusStyle(c.color, c.out, func(name string) string { return c.env[name] })
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
