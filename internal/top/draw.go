package top

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Draw shows lines, in place of those that were shown before. None may be as wide as the
// terminal, of which some begin a new line then. Each character takes one column, but for
// the sequences of ECMA-48 for colours.
func (t *Terminal) Draw(lines []string) error {
	if t.kind == dumb {
		if slices.Equal(t.shown, lines) {
			return nil
		}
		t.shown = lines
		return t.write(strings.TrimRight(strings.Join(lines, "\r\n"), "\r\n") + "\r\n\r\n")
	}
	var b strings.Builder
	if t.shown == nil {
		b.WriteString("\x1b[H\x1b[2J")
		t.shown = make([]string, len(lines))
	}
	for i := range max(len(lines), len(t.shown)) {
		was, is := at(t.shown, i), at(lines, i)
		if was == is {
			continue
		}
		same := samePrefix(was, is)
		b.WriteString(position(i+1, utf8.RuneCountInString(is[:same])) + is[same:])
		if utf8.RuneCountInString(is) < utf8.RuneCountInString(was) || strings.Contains(was+is, "\x1b") {
			b.WriteString("\x1b[K")
		}
	}
	if b.Len() == 0 {
		return nil
	}
	t.shown, t.height = lines, len(lines)
	b.WriteString(position(len(lines), 0)) // where the next prompt is to be, should we be killed
	return t.write(b.String())
}

// Redraw has the next Draw write everything: the terminal may have another size, or somebody
// else has written to it.
func (t *Terminal) Redraw() { t.shown = nil }

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return ""
}

// samePrefix is how many bytes of two lines are the same, up to a whole character, and none
// where colours are in between.
func samePrefix(a, b string) int {
	if strings.Contains(a+b, "\x1b") {
		return 0
	}
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	for n > 0 && (n < len(a) && !utf8.RuneStart(a[n]) || n < len(b) && !utf8.RuneStart(b[n])) {
		n--
	}
	return n
}

// position is the sequence that puts the cursor into a line, from 1, behind so many columns.
func position(line, columns int) string {
	return "\x1b[" + strconv.Itoa(max(1, line)) + ";" + strconv.Itoa(columns+1) + "H"
}
