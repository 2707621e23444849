package cli

import (
	"context"
	"errors"
	"fmt"
	"os/signal"

	"github.com/urfave/cli/v2"
	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/event"
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
	n, err := control.Client{Path: path}.ReloadFrom(ctx, control.OwnOrigin())
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, event.NobodyAnswers.With(event.Path(path)))
	case errors.Is(err, control.ErrEnded):
		return &daemon.Exit{Status: 1, Err: event.NotKnown.With(event.Name(name), event.Cause(err))}
	case err != nil:
		return &daemon.Exit{Status: 1, Err: event.NotReloaded.With(event.Name(name), event.Cause(err))}
	}
	_, err = fmt.Fprintln(c.App.Writer, event.DoneReloading.With(event.Name(name), event.Workers(n)))
	return err
}
