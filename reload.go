package main

import (
	"context"
	"fmt"
	"os/signal"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
)

func reloadCommand() *cli.Command {
	return &cli.Command{
		Name: "reload", Usage: "read the configuration again and replace all workers",
		UsageText: "availd reload NAME", HideHelpCommand: true, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			name, err := oneName(c)
			if err != nil {
				return err
			}
			ctx, cancel := signal.NotifyContext(context.Background(), unix.SIGINT, unix.SIGTERM)
			defer cancel()
			return reload(ctx, c, name)
		},
	}
}

// reload waits for the outcome, so that systemctl reload tells it.
func reload(ctx context.Context, c *cli.Context, name string) error {
	path, err := controlPath(name)
	if err != nil {
		return err
	}
	n, err := control.Client{Path: path}.Reload(ctx)
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, "nobody answers on "+path)
	case err != nil:
		return &daemon.Exit{Status: 1, Err: fmt.Errorf("%s is not reloaded: %w", name, err)}
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: reloaded, %d workers replaced or asked to leave\n", name, n)
	return err
}
