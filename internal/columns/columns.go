// Package columns fits text into the columns of a terminal: it measures, cuts
// and folds. A character is taken for one column, as names and messages here
// are hardly ever anything else.
package columns

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width is the number of columns of a text.
func Width(text string) int { return utf8.RuneCountInString(text) }

// Printable makes a line of text that may come from anywhere: what a terminal
// would take for a command, and what is no character, is shown as a question mark.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// PrintableLines is Printable for a text of several lines.
func PrintableLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = Printable(lines[i])
	}
	return strings.Join(lines, "\n")
}

// Cut shortens text to at most so many columns, and shows that it did.
func Cut(text string, most int) string {
	if Width(text) <= most {
		return text
	}
	if most < 1 {
		return ""
	}
	return string([]rune(text)[:most-1]) + "…"
}

// Fold breaks text at spaces into lines of at most so many columns; a longer
// word has a line of its own. 0 = of any length. Where a line must not be
// broken, a text has no-break spaces.
func Fold(text string, most int) []string {
	if most <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		switch {
		case line == "":
			line = word
		case Width(line)+1+Width(word) > most:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
