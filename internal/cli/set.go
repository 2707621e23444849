package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/event"
)

// setWait bounds the wait for a service that does not answer.
const setWait = 10 * time.Second

func setCommand() *cli.Command {
	return &cli.Command{
		Name: "set", Usage: "change " + strings.Join(config.Settable(), ", ") + " of a running service",
		UsageText: "availd set NAME KEY=VALUE…", HideHelpCommand: true, OnUsageError: usageError,
		Description: "The values are in force at once, and no worker is replaced. They go on after a\n" +
			"reload, and a crash or upgrade of availd; a stop ends them, and so does another\n" +
			"value in the configuration. KEY= without a value takes one back.\n\n" +
			"KEY is one of " + strings.Join(config.Settable(), ", ") + ".",
		Action: func(c *cli.Context) error {
			name, lines, err := setArguments(c.Args().Slice())
			if err != nil {
				return err
			}
			return set(c, name, lines)
		},
	}
}

// setArguments are the name of the service, and a line for each value. What is wrong with a
// value is for the service to say, which knows its configuration.
func setArguments(args []string) (name, lines string, err error) {
	keys := strings.Join(config.Settable(), ", ")
	switch {
	case len(args) == 0:
		return "", "", usage("NAME is missing: availd set NAME KEY=VALUE…")
	case len(args) == 1 || strings.Contains(args[0], "=") && !strings.Contains(args[0], "/"):
		return "", "", usage("NAME and KEY=VALUE are expected: availd set NAME KEY=VALUE…; KEY is one of %s", keys)
	}
	for _, arg := range args[1:] {
		key, _, found := strings.Cut(arg, "=")
		if !found || key == "" || strings.ContainsAny(arg, "\n\r") || strings.ContainsAny(key[:1], "#;[") {
			return "", "", usage("%q: KEY=VALUE is expected; KEY is one of %s", arg, keys)
		}
		lines += arg + "\n"
	}
	name, err = serviceName(args[0])
	return name, lines, err
}

func set(c *cli.Context, name, lines string) error {
	path, err := controlPath(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context, setWait)
	defer cancel()
	change, err := control.Client{Path: path}.Set(ctx, lines)
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, event.NobodyAnswers.With(event.Path(path)))
	case errors.Is(err, control.ErrNotFound):
		return &daemon.Exit{Status: 1, Err: event.SetTooOld.With(event.Name(name))}
	case errors.Is(err, context.DeadlineExceeded):
		return &daemon.Exit{Status: 1, Err: event.LateAnswer.With(event.Name(name), event.Took(setWait))}
	case errors.Is(err, control.ErrEnded):
		return &daemon.Exit{Status: 1, Err: event.NotKnown.With(event.Name(name), event.Cause(err))}
	case err != nil:
		return &daemon.Exit{Status: 1, Err: event.NotSet.With(event.Name(name), event.Cause(err))}
	}
	for _, s := range change.Set {
		done := event.DoneSetting
		if s.Value == s.Configured {
			done = event.DoneUnsetting
		}
		if _, err := fmt.Fprintln(c.App.Writer, done.With(event.Name(name), event.Option(s.Option), event.SetTo(s.Value), event.Configured(s.Configured))); err != nil {
			return err
		}
	}
	for _, w := range change.Warnings {
		if _, err := fmt.Fprintln(c.App.ErrWriter, "availd:", event.SetWarning.With(event.Name(name), event.Warn(w))); err != nil {
			return err
		}
	}
	return nil
}
