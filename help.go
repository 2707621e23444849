package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/availd/availd/internal/config"
)

// Columns of the help: it is read on terminals of 80.
const (
	helpWidth  = 79
	helpIndent = 26
)

// runHelp is what availd run --help prints. It is a text of our own because the
// library sorts groups and options by the alphabet, and does not fold lines; the
// table's order is by what a reader needs first.
func runHelp() string {
	var b strings.Builder
	b.WriteString("availd run [OPTIONS] -- COMMAND [ARG…]\n\n")
	b.WriteString("Serve the sockets of the .socket unit, or those of --listen, with a pool of\n" +
		"workers that run COMMAND. This is what ExecStart= says.\n")
	for _, group := range config.Groups() {
		fmt.Fprintf(&b, "\n%s:\n", group)
		for _, o := range config.Options() {
			if o.Group == group {
				writeOption(&b, o)
			}
		}
	}
	b.WriteString("\nN is decimal. DUR is a time span as in systemd.time(7): 100 (seconds), 250ms,\n" +
		"5min, 1min 30s. Options of a FILE have no dashes: limit=50. See availd-run(8).\n")
	return b.String()
}

func writeOption(b *strings.Builder, o config.Option) {
	left := "  --" + o.Name + " " + o.Arg
	text := o.Help
	if given := o.Default + o.DefaultText; given != "" {
		text += " [" + given + "]"
	}
	for _, line := range fold(text, helpWidth-helpIndent) {
		fmt.Fprintf(b, "%-*s%s\n", helpIndent, left, line)
		left = ""
	}
}

// fold breaks text at spaces into lines of at most width characters, but not
// around an equals sign; a longer word has a line of its own.
func fold(text string, width int) []string {
	const glued = "\x00=\x00"
	var lines []string
	line := ""
	for _, word := range strings.Fields(strings.ReplaceAll(text, " = ", glued)) {
		word = strings.ReplaceAll(word, glued, " = ")
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			lines = append(lines, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	return append(lines, line)
}
