package cli

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// page is the manual page that explains a subcommand: its own, or that of all.
func manualPage(t *testing.T, command string) (name, text string) {
	t.Helper()
	for _, name := range []string{"man/availd-" + command + ".1", "man/availd-" + command + ".8", "man/availd.8"} {
		if data, err := os.ReadFile(name); err == nil {
			return name, string(data)
		}
	}
	t.Fatal("no page")
	return "", ""
}

// ownOptions are those of a subcommand, without the ones of run that units
// takes too.
func ownOptions(c *cli.Command) []string {
	options := map[string]bool{}
	for _, f := range c.Flags {
		options[f.Names()[0]] = true
	}
	if c.Name != "run" {
		for _, f := range runFlags(nil) {
			delete(options, f.Names()[0])
		}
	}
	var names []string
	for name := range options {
		if len(name) > 1 { // the short form of another
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

var (
	optionItem      = regexp.MustCompile(`(?m)^\.It (?:Fl \w , )?Fl -([a-z-]+)`)
	mentionedOption = regexp.MustCompile(`(?m)^\.It Cm \w+ .*Fl -([a-z-]+)`)
	synopsisCommand = regexp.MustCompile(`(?m)^\.Nm\n\.Cm (\w+)$`)
)

// TestManualOptions compares the options of each subcommand with its page.
func TestManualOptions(t *testing.T) {
	t.Chdir(root)
	for _, c := range newApp().Commands {
		name, text := manualPage(t, c.Name)
		var documented []string
		if name != "man/availd.8" {
			for _, m := range optionItem.FindAllStringSubmatch(text, -1) {
				documented = append(documented, m[1])
			}
		} else {
			_, item, _ := strings.Cut(text, "\n.It Cm "+c.Name)
			line, _, _ := strings.Cut(item, "\n")
			for _, m := range mentionedOption.FindAllStringSubmatch(".It Cm "+c.Name+line, -1) {
				documented = append(documented, m[1])
			}
		}
		slices.Sort(documented)
		if own := ownOptions(c); !slices.Equal(documented, own) {
			t.Errorf("%s: %s has the options\n%q, the page\n%q", name, c.Name, own, documented)
		}
	}
}

// TestManualCommands compares the subcommands with the SYNOPSIS, and both with
// availd --help.
func TestManualCommands(t *testing.T) {
	t.Chdir(root)
	_, text := manualPage(t, "")
	_, synopsis, _ := strings.Cut(text, "\n.Sh SYNOPSIS\n")
	synopsis, _, _ = strings.Cut(synopsis, "\n.Sh ")
	var documented, helped []string
	for _, m := range synopsisCommand.FindAllStringSubmatch(synopsis, -1) {
		documented = append(documented, m[1])
	}
	for line := range strings.Lines(usageText) {
		helped = append(helped, strings.Fields(line)[1])
	}
	var commands []string
	for _, c := range newApp().Commands {
		commands = append(commands, c.Name)
	}
	if !slices.Equal(documented, commands) || !slices.Equal(helped, commands) {
		t.Errorf("commands %q, in the page %q, in the help %q", commands, documented, helped)
	}
}
