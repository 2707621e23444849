package cli

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/prose"
)

// upgradeWait is longer than a trial may take, and the start of the new image.
const upgradeWait = 20 * time.Second

func upgradeCommand() *cli.Command {
	return &cli.Command{
		Name: "upgrade", Usage: "replace a running availd by the installed one, in place",
		UsageText: "availd upgrade NAME | --all", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all services on this host"}},
		Action: func(c *cli.Context) error {
			if !c.Bool("all") {
				name, err := oneName(c)
				if err != nil {
					return err
				}
				path, err := controlPath(name)
				if err != nil {
					return err
				}
				return upgrade(c, name, path)
			}
			if c.Args().Present() {
				return usage("--all takes no NAME")
			}
			return upgradeAll(c)
		},
	}
}

// upgradeAll upgrades what this user may: a user's own services are hers, those of the
// system are root's. One that was stopped has nothing to be upgraded.
func upgradeAll(c *cli.Context) error {
	paths, denied := allControlPaths()
	var failed []error
	upgraded := 0
	for _, path := range paths {
		switch err := upgrade(c, filepath.Base(filepath.Dir(path)), path); {
		case isDenied(err):
			denied = append(denied, err)
		case err == nil:
			upgraded++
		case isNotRunning(err):
		default:
			failed = append(failed, err)
		}
	}
	if upgraded == 0 { // there was none that this user may upgrade
		failed = append(failed, denied...)
	}
	if err := errors.Join(failed...); err != nil {
		return &daemon.Exit{Status: 1, Err: err}
	}
	return nil
}

func upgrade(c *cli.Context, name, path string) error {
	ctx, cancel := context.WithTimeout(c.Context, upgradeWait)
	defer cancel()
	s, err := control.Client{Path: path}.Upgrade(ctx)
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, event.NobodyAnswers.With(event.Path(path)))
	case err != nil:
		return &daemon.Exit{Status: 1, Err: event.NotUpgraded.With(event.Name(name), event.Cause(err))}
	}
	_, err = fmt.Fprintln(c.App.Writer, event.DoneUpgrading.With(event.Name(name), event.Version(prose.Printable(s.Version)), event.Workers(s.Total)))
	return err
}
