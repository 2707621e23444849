package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/columns"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
)

// upgradeWait is longer than a trial may take, and the start of the new image.
const upgradeWait = 20 * time.Second

func upgradeCommand() *cli.Command {
	return &cli.Command{
		Name: "upgrade", Usage: "replace a running availd by the installed one, in place",
		UsageText: "availd upgrade NAME | --all", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{&cli.BoolFlag{Name: "all", Usage: "all services of this host"}},
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

func upgradeAll(c *cli.Context) error {
	paths, failed := allControlPaths()
	for _, path := range paths {
		failed = append(failed, upgrade(c, filepath.Base(filepath.Dir(path)), path))
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
		return notRunning(name, "nobody answers on "+path)
	case err != nil:
		return &daemon.Exit{Status: 1, Err: fmt.Errorf("%s is not upgraded: %w", name, err)}
	}
	_, err = fmt.Fprintf(c.App.Writer, "%s: upgraded to %s, %d workers kept\n", name, columns.Printable(s.Version), s.Total)
	return err
}
