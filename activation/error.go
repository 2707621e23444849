package activation

// Error says what is wrong with the hand-over and which line of a unit file
// fixes it.
type Error struct {
	What string // what was found, and the consequence
	Line string // the unit file's line at fault, such as "Accept=yes"; may be empty
	Hint string // what to change
}

func (e *Error) Error() string {
	text := e.What
	if e.Line != "" {
		text += " (" + e.Line + ")"
	}
	if e.Hint != "" {
		text += "; " + e.Hint
	}
	return text
}
