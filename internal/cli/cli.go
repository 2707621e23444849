// Package cli is the command line: one file for each subcommand, help, and what the
// exit statuses are. It parses, calls the package that does the work, and prints.
package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/prose"
)

// version is what main was linked with; see version.go.
var version string

// Main runs availd with these arguments, the first of which is the program's name,
// and returns the exit status. linked is the version that the linker was told, "" if
// it was told none.
func Main(args []string, linked string) int {
	if len(args) > 0 && filepath.Base(args[0]) == generatorName {
		return generate(args)
	}
	version = linked
	cli.HelpPrinter = printHelp
	err := newApp().Run(customary(args))
	if err == nil {
		return 0
	}
	var exit *daemon.Exit
	var output *fs.PathError
	switch {
	case errors.As(err, &exit):
	case errors.As(err, &output): // could not be written
		exit = &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	default:
		exit = &daemon.Exit{Status: daemon.ExitUsage, Err: err}
	}
	if exit.Err != nil {
		fmt.Fprintln(os.Stderr, "availd: "+prose.PrintableLines(exit.Error())) // it may quote what the user has written
	}
	return exit.Status
}

// customary has what most programs take do what our own words do: --version, and help
// with or without the name of a subcommand.
func customary(args []string) []string {
	if len(args) < 2 {
		return args
	}
	switch {
	case args[1] == "--version" && len(args) == 2:
		return []string{args[0], "version"}
	case args[1] == "help" && len(args) <= 3:
		return append(append([]string{args[0]}, args[2:]...), "--help")
	}
	return args
}

func newApp() *cli.App {
	return &cli.App{
		Name:            "availd",
		Usage:           "a process manager for socket-activated services: worker pools from zero to a limit",
		UsageText:       usageText,
		HideHelpCommand: true,
		HideVersion:     true,
		Commands: []*cli.Command{
			runCommand(), statusCommand(), topCommand(), reloadCommand(), setCommand(), upgradeCommand(), unitsCommand(), checkCommand(), tryCommand(), reapCommand(), versionCommand(),
		},
		Action:         noCommand,
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // Main decides the status
	}
}

const usageText = `availd run [OPTIONS] -- COMMAND [ARG…]
availd status [OPTIONS] [NAME]
availd top [OPTIONS] [NAME]
availd reload NAME
availd set NAME KEY=VALUE…
availd upgrade NAME|--all
availd units [OPTIONS] NAME -- COMMAND [ARG…]
availd check [OPTIONS] [NAME|FILE…]
availd try [OPTIONS] -- COMMAND [ARG…]
availd reap
availd version`

func noCommand(c *cli.Context) error {
	if !c.Args().Present() {
		return usage("a command is missing; try availd --help")
	}
	return usage("%q is not a command of availd; try availd --help", c.Args().First())
}

// usage is a mistake on the command line.
func usage(format string, args ...any) error {
	return &daemon.Exit{Status: daemon.ExitUsage, Err: fmt.Errorf(format, args...)}
}

func usageError(c *cli.Context, err error, _ bool) error {
	words := []string{"availd", c.Command.Name, "--help"}
	if c.Command.Name == c.App.Name {
		words = []string{"availd", "--help"}
	}
	return usage("%s; try %s", complaint(err), strings.Join(words, " "))
}

// undefined returns the name of the option that does not exist, if err of the
// flag package says that.
func undefined(err error) (string, bool) {
	_, name, ok := strings.Cut(err.Error(), "flag provided but not defined: -")
	return strings.TrimLeft(name, "-"), ok
}

// typed is an option as it stands on the command line, with one dash or two, of which
// the flag package says only the name.
func typed(name string) string {
	for _, word := range os.Args[1:] {
		if option, _, _ := strings.Cut(word, "="); strings.HasPrefix(option, "-") && strings.TrimLeft(option, "-") == name {
			return option
		}
	}
	return "--" + name
}

// complaint says an error of the flag package in our words.
func complaint(err error) string {
	if name, ok := undefined(err); ok {
		return typed(name) + ": unknown option"
	}
	if _, name, ok := strings.Cut(err.Error(), "flag needs an argument: -"); ok {
		return typed(strings.TrimLeft(name, "-")) + ": a value is missing"
	}
	return err.Error()
}

// oneName is the single argument of the subcommands that take a NAME. The
// library stops to look for options at the first argument, so one that comes
// later would be taken as a name.
func oneName(c *cli.Context) (string, error) {
	if err := noLateOptions(c.Args().Slice()); err != nil {
		return "", err
	}
	switch c.Args().Len() {
	case 0:
		return "", usage("NAME is missing: availd %s NAME", c.Command.Name)
	case 1:
		return serviceName(c.Args().First())
	default:
		return "", usage("one NAME is expected, not %d: %s", c.Args().Len(), strings.Join(c.Args().Slice(), " "))
	}
}

// serviceName is the name of a service as it was typed: also as systemctl(1) has it, by the
// name of its units. A path is taken as it is.
func serviceName(typed string) (string, error) {
	name := typed
	if !strings.Contains(typed, "/") {
		for _, kind := range []string{".service", ".socket"} {
			name = strings.TrimSuffix(name, kind)
		}
	}
	if name == "" {
		return "", usage("%q is no NAME: that of a service is expected, or the path of its control socket", typed)
	}
	return name, nil
}

func noLateOptions(args []string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			return usage("option %s comes after NAME, where it has no effect; put it before", a)
		}
	}
	return nil
}
