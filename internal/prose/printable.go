package prose

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Text of others must not reach a terminal or a log as it is: control characters would
// drive the terminal, a line feed would begin a line that nobody has written, and invisible
// characters (bidirectional marks) let a line read as another. Package worker has a copy of
// this, as it is for other people's programs and imports nothing.

// isPrintable reports whether a character may be shown: it is one, and it is seen.
func isPrintable(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }

// IsPrintable reports whether text may be shown as it is.
func IsPrintable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !isPrintable(r) })
}

// Printable makes a line of text that may come from anywhere: what a terminal
// would take for a command, and what is no character, is shown as a question mark.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if isPrintable(r) {
			return r
		}
		return '?'
	}, text)
}

// PrintableBytes is Printable for at most so many bytes, cut between characters.
func PrintableBytes(text string, most int) string {
	if text = Printable(text); len(text) <= most {
		return text
	}
	end := most
	for !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}

// PrintableLines is Printable for a text of several lines.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}
