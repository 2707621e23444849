package cli

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/survivors"
)

func reapCommand() *cli.Command {
	return &cli.Command{
		Name: "reap", Usage: "end workers left after a stop (for ExecStopPost=)",
		UsageText: "availd reap", HideHelpCommand: true, OnUsageError: usageError,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return usage("reap takes no arguments")
			}
			n, err := survivors.Reap(os.Getenv)
			if err != nil {
				return &daemon.Exit{Status: daemon.ExitSystem, Err: fmt.Errorf("end left-over workers: %w", err)}
			}
			if n > 0 {
				_, err = fmt.Fprintf(c.App.ErrWriter, "availd: ended %d processes that outlived the stop\n", n)
			}
			return err
		},
	}
}
