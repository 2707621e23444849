package main

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/status"
)

// statusStyle fits a text to where it goes. COLUMNS counts before the terminal's
// own width, because watch(1) says it for a pipe; what goes to a file or another
// program is not cut. Colours are for terminals, unless NO_COLOR
// (https://no-color.org) or a dumb TERM says otherwise.
func statusStyle(color string) status.Style {
	var st status.Style
	size, err := unix.IoctlGetWinsize(int(os.Stdout.Fd()), unix.TIOCGWINSZ)
	if err == nil {
		st.Width = int(size.Col)
		if st.Width == 0 { // a serial line, say
			st.Width = 80
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		st.Width = n
	}
	st.Color = color == "always" ||
		color == "auto" && err == nil && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return st
}
