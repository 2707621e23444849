// Availd keeps a pool of worker processes behind the sockets that systemd hands
// it, and sizes the pool by demand with the process-creation policy of Postfix
// master(8). See availd(8).
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/columns"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/spawn"
)

// version is set by the linker; see version.go.
var version = ""

func main() {
	spawn.Become() // this first: in a newborn worker it does not return
	os.Exit(Main(os.Args))
}

// Main is main without the process: it returns the exit status.
func Main(args []string) int {
	cli.HelpPrinter = printHelp
	err := newApp().Run(args)
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
		fmt.Fprintln(os.Stderr, "availd: "+columns.PrintableLines(exit.Error())) // words of anybody's are in it
	}
	return exit.Status
}

func newApp() *cli.App {
	return &cli.App{
		Name:            "availd",
		Usage:           "keep a pool of workers behind systemd sockets, sized by demand",
		UsageText:       usageText,
		HideHelpCommand: true,
		HideVersion:     true,
		Commands: []*cli.Command{
			runCommand(), statusCommand(), reloadCommand(), upgradeCommand(), unitsCommand(), reapCommand(), versionCommand(),
		},
		Action:         noCommand,
		OnUsageError:   usageError,
		ExitErrHandler: func(*cli.Context, error) {}, // Main decides the status
	}
}

const usageText = `availd run [OPTIONS] -- COMMAND [ARG…]
availd status [OPTIONS] [NAME]
availd reload NAME
availd upgrade NAME|--all
availd units [OPTIONS] NAME -- COMMAND [ARG…]
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

// complaint says an error of the flag package in our words.
func complaint(err error) string {
	if name, ok := undefined(err); ok {
		return "--" + name + ": unknown option"
	}
	if _, name, ok := strings.Cut(err.Error(), "flag needs an argument: -"); ok {
		return "--" + strings.TrimLeft(name, "-") + ": a value is missing"
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
		return c.Args().First(), nil
	default:
		return "", usage("one NAME is expected, not %d: %s", c.Args().Len(), strings.Join(c.Args().Slice(), " "))
	}
}

func noLateOptions(args []string) error {
	for _, a := range args {
		if strings.HasPrefix(a, "-") && a != "-" {
			return usage("option %s comes after NAME, where it has no effect; put it before", a)
		}
	}
	return nil
}
