package main

import (
	"fmt"
	"strings"

	"github.com/availd/availd/internal/columns"
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
	// Words around an equals sign stay together.
	for _, line := range columns.Fold(strings.ReplaceAll(text, " = ", "\u00a0=\u00a0"), helpWidth-helpIndent) {
		fmt.Fprintf(b, "%-*s%s\n", helpIndent, left, strings.ReplaceAll(line, "\u00a0", " "))
		left = ""
	}
}
