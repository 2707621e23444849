package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/prose"
)

// Columns of the help: it is read on terminals of 80.
const (
	helpWidth  = 79
	helpIndent = 26
)

// printHelp has the library print its help, but for the commands that have a text of
// their own. That is made when it is asked for: a start has no time for it.
func printHelp(w io.Writer, template string, data any) {
	texts := map[string]func() string{"run": runHelp, "units": unitsHelp}
	if c, ok := data.(*cli.Command); ok && texts[c.Name] != nil {
		fmt.Fprint(w, texts[c.Name]())
		return
	}
	cli.HelpPrinterCustom(w, template, data, nil)
}

// runHelp is what availd run --help prints. It is a text of our own because the
// library sorts groups and options by the alphabet, and does not fold lines; the
// common options come first, so that they are on the first page.
func runHelp() string {
	var b strings.Builder
	b.WriteString("availd run [OPTIONS] -- COMMAND [ARG…]\navaild run [OPTIONS] --config FILE\n\n")
	b.WriteString("Serve the sockets of the .socket unit, or those of --listen, with a pool of\n" +
		"workers that run COMMAND. It is for ExecStart= of a service.\n")
	writeGroups(&b)
	b.WriteString("\nN is decimal. DUR is a time span as in systemd.time(7): 100 (seconds), 250ms,\n" +
		"5min, 1min 30s. Options of a FILE have no dashes: limit=50. See availd-run(8).\n")
	return b.String()
}

// unitsHelp is what availd units --help prints: its own options come before those
// that go to the configuration file.
func unitsHelp() string {
	var b strings.Builder
	b.WriteString("availd units [OPTIONS] --listen ADDRESS NAME -- COMMAND [ARG…]\n\n")
	b.WriteString("Print or write NAME.socket, NAME.service and NAME.conf for workers that run\nCOMMAND.\n\nUnits:\n")
	for _, f := range unitsFlags() {
		if f.(cli.VisibleFlag).IsVisible() {
			writeOption(&b, optionOf(f))
		}
	}
	b.WriteString("\nThese go to NAME.conf:\n")
	writeGroups(&b, notInFile...)
	b.WriteString("\nN is decimal. DUR is a time span as in systemd.time(7): 100 (seconds), 250ms,\n" +
		"5min, 1min 30s. See availd-units(1) and availd-run(8).\n")
	return b.String()
}

// optionOf takes an option of the library's apart, whose usage has the name of
// its value in back quotes.
func optionOf(f cli.Flag) config.Option {
	doc := f.(cli.DocGenerationFlag)
	before, rest, takes := strings.Cut(doc.GetUsage(), "`")
	value, after, _ := strings.Cut(rest, "`")
	o := config.Option{Name: f.Names()[0], Arg: value, Help: before + value + after}
	if takes {
		o.DefaultText = doc.GetDefaultText()
	}
	return o
}

// writeGroups writes the options of run, but for some: the common ones, and then the
// others by group.
func writeGroups(b *strings.Builder, but ...string) {
	write := func(heading string, belongs func(config.Option) bool) {
		fmt.Fprintf(b, "\n%s:\n", heading)
		for _, o := range config.Options() {
			if belongs(o) && !slices.Contains(but, o.Name) {
				writeOption(b, o)
			}
		}
	}
	write("Options", func(o config.Option) bool { return o.Common })
	for _, group := range config.Groups() {
		write("Rarely needed ("+strings.ToLower(group)+")", func(o config.Option) bool { return !o.Common && o.Group == group })
	}
}

func writeOption(b *strings.Builder, o config.Option) {
	left := "  --" + o.Name + " " + o.Arg
	text := o.Help
	if given := o.Default + o.DefaultText; given != "" {
		text += " [" + given + "]"
	}
	// Words around an equals sign stay together.
	for _, line := range prose.Fold(strings.ReplaceAll(text, " = ", "\u00a0=\u00a0"), helpWidth-helpIndent) {
		fmt.Fprintf(b, "%-*s%s\n", helpIndent, left, strings.ReplaceAll(line, "\u00a0", " "))
		left = ""
	}
}
