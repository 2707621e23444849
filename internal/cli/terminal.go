package cli

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// statusStyle fits a text to where it goes, the descriptor out. COLUMNS counts
// before the terminal's own width, because watch(1) says it for a pipe; what
// goes to a file or another program is not cut. Colours are for terminals,
// unless NO_COLOR (https://no-color.org) or TERM says otherwise.
func statusStyle(color string, out int, getenv func(string) string) status.Style {
	var st status.Style
	size, err := unix.IoctlGetWinsize(out, unix.TIOCGWINSZ)
	isTerminal := err == nil
	if isTerminal {
		st.Width = int(size.Col)
		if st.Width == 0 { // a serial line, say
			st.Width = 80
		}
	}
	if n, err := strconv.Atoi(getenv("COLUMNS")); err == nil && n > 0 {
		st.Width = n
	}
	st.Color = color == "always" ||
		color == "auto" && isTerminal && getenv("NO_COLOR") == "" && !isMonochrome(getenv("TERM"))
	return st
}

// isMonochrome reports whether a terminal of that name has no colours: of those of DEC, as of
// serial lines that call themselves so.
func isMonochrome(name string) bool { return name == "dumb" || strings.HasPrefix(name, "vt") }
