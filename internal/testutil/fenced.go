package testutil

import "strings"

const fence = "```"

// Fenced are the fenced blocks of a Markdown page in a language, without the indentation
// that they have in a list.
func Fenced(page, language string) (blocks []string) {
	var block strings.Builder
	indent, is, open := "", "", false
	for line := range strings.Lines(page) {
		bare := strings.TrimRight(line, "\n")
		before, word, fenced := strings.Cut(bare, fence)
		switch {
		case !open && fenced && strings.TrimLeft(before, " ") == "":
			open, indent, is = true, before, word
			block.Reset()
		case open && bare == indent+fence:
			open = false
			if is == language {
				blocks = append(blocks, block.String())
			}
		case open:
			block.WriteString(strings.TrimPrefix(line, indent))
		}
	}
	return blocks
}

// Section is the part of a Markdown page under a heading of the second level, "" if there
// is no such heading.
func Section(page, heading string) string {
	_, rest, _ := strings.Cut("\n"+page, "\n## "+heading+"\n")
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}
