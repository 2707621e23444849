// Package prose makes text fit to be read: it fits lines into the columns of a terminal,
// makes text of any origin printable, and finds the word that somebody meant who has
// mistyped it. A character is taken for one column, as names and messages here are hardly
// ever anything else.
package prose

import (
	"strings"
	"unicode/utf8"
)

// Width is the number of columns of a text.
func Width(text string) int { return utf8.RuneCountInString(text) }

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
