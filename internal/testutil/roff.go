package testutil

import "regexp"

var roffEscape = regexp.MustCompile(`\\(?:-|e|&|\([a-z]{2})`)

// Roff undoes the escapes of roff(7) that the examples of the manual pages use.
func Roff(text string) string {
	return roffEscape.ReplaceAllStringFunc(text, func(e string) string {
		switch e {
		case `\-`:
			return "-"
		case `\e`:
			return `\`
		case `\&`:
			return ""
		case `\(aq`:
			return "'"
		case `\(ga`:
			return "`"
		case `\(ha`:
			return "^"
		case `\(ti`:
			return "~"
		}
		panic("testutil: unknown escape " + e)
	})
}
