package main

import (
	"errors"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/first"
)

func runCommand() *cli.Command {
	var settings []config.Setting
	return &cli.Command{
		Name:            "run",
		Usage:           "serve: this is what ExecStart= says",
		UsageText:       "availd run [OPTIONS] -- COMMAND [ARG…]",
		HideHelpCommand: true,
		Flags:           config.Flags(&settings),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error {
			return serveFailed(optionError(settings, err))
		},
		Action: func(c *cli.Context) error {
			return serveFailed(run(settings, c.Args().Slice()))
		},
	}
}

// optionError prefers our own words for a bad value to those of the flag
// package, and helps with a misspelt option.
func optionError(settings []config.Setting, err error) error {
	if _, ours := config.Load(settings, []string{"command"}); ours != nil {
		return &daemon.Exit{Status: daemon.ExitUsage, Err: ours}
	}
	if name, ok := undefined(err); ok {
		if near := config.Nearest(name); near != "" {
			return usage("--%s: unknown option, did you mean --%s?", name, near)
		}
	}
	return usage("%s; try availd run --help", complaint(err))
}

func run(settings []config.Setting, command []string) error {
	if !followsDashes(os.Args, command) {
		return usage("COMMAND must follow --, so that its options are not taken for availd's: availd run [OPTIONS] -- %s",
			strings.Join(command, " "))
	}
	executable, err := os.Executable()
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	options := daemon.Options{
		Settings: settings, Command: command, Version: buildVersion(), Executable: executable,
		IgnoreSIGPIPE: first.SIGPIPEIgnored(os.Getenv),
	}
	options.Descriptors.Cur, options.Descriptors.Max = first.Descriptors()
	if isTrial, err := daemon.Trial(options); isTrial {
		return err
	}
	notifier, err := notifier()
	if err != nil {
		return &daemon.Exit{Status: daemon.ExitSystem, Err: err}
	}
	return daemon.Run(options, notifier)
}

// followsDashes reports whether command, the end of args, comes right after --.
// One that does not has taken what follows it, options of ours among them.
func followsDashes(args, command []string) bool {
	before := len(args) - len(command)
	return len(command) == 0 || before > 0 && args[before-1] == "--"
}

// serveFailed tells the service manager why the service did not come up, and
// holds the process back, so that a standing error is one attempt in a while.
func serveFailed(err error) error {
	var exit *daemon.Exit
	if errors.As(err, &exit) {
		holdBack(exit)
	}
	return err
}
