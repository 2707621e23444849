package status

import "github.com/availd/availd/internal/prose"

// Style is how a text is to look.
type Style struct {
	Width int  // columns of the terminal; 0 = lines may have any length
	Color bool // ECMA-48 colours
}

// paint is a colour with a meaning.
type paint string

const (
	plain paint = ""
	good  paint = "32" // green
	warn  paint = "33" // yellow
	bad   paint = "31" // red
	fresh paint = "36" // cyan
	going paint = "35" // magenta
	faint paint = "2"
	title paint = "1" // bold
)

// paint colours a text. What it says may come from anybody.
func (st Style) paint(text string, p paint) string {
	text = prose.Printable(text)
	if !st.Color || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}
