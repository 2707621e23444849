package status

import (
	"strings"
	"unicode/utf8"
)

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

func (st Style) paint(text string, p paint) string {
	if !st.Color || p == plain || text == "" {
		return text
	}
	return "\x1b[" + string(p) + "m" + text + "\x1b[0m"
}

// width is the number of columns of a text. Names and words of workers are the
// only ones that may be anything else than ASCII.
func width(text string) int { return utf8.RuneCountInString(text) }

// cut shortens text to so many columns.
func cut(text string, most int) string {
	if width(text) <= most {
		return text
	}
	if most < 1 {
		return ""
	}
	return string([]rune(text)[:most-1]) + "…"
}

// fold breaks text at spaces into lines of at most so many columns; 0 = any
// number. A longer word has a line of its own.
func fold(text string, most int) []string {
	if most <= 0 {
		return []string{text}
	}
	var lines []string
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case width(line)+1+width(word) > most:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
