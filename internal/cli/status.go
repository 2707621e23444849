package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/page"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show all pools on this host, or the workers of one pool",
		UsageText: "availd status [--format=table|json|prometheus|svg] [--check [--max-wait=DUR]] [--color=auto|always|never] [NAME]", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "table", Usage: "show as `FORMAT`: table, json, prometheus, or svg (a chart of the last hour and day)"},
			&cli.BoolFlag{Name: "check", Usage: "one line and an exit status for monitoring: 0 ok, 1 warning, 2 critical, 3 unknown"},
			&cli.StringFlag{Name: "max-wait", Value: "0", Usage: "with --check: a client that waits for longer than `DUR` is a warning; 0 = none"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colours: auto, always or never"},
		},
		Action: showStatus,
	}
}

func showStatus(c *cli.Context) error {
	if err := statusUsage(c); err != nil {
		return err
	}
	a := answers{services: []status.Service{}, asked: wanted(c.String("format"))}
	if c.Args().Present() {
		name, err := oneName(c)
		if err != nil {
			return err
		}
		add := a.askSystemd(name, c.Bool("check"))
		a.askOne(name)
		add()
	} else {
		add := a.askSystemd("", c.Bool("check"))
		a.askAll()
		add()
	}
	if c.Bool("check") {
		a.again()
		return monitor(c, a)
	}
	if c.Args().Present() && a.silent != nil {
		return a.silent[0]
	}
	return a.show(c)
}

func statusUsage(c *cli.Context) error {
	switch format := c.String("format"); {
	case !slices.Contains(formats, format):
		return usage("--format=%s: accepted: %s", format, strings.Join(formats, ", "))
	case c.IsSet("max-wait") && !c.Bool("check"):
		return usage("--max-wait without --check: it is a threshold of --check")
	case spanError(c.String("max-wait")) != nil:
		return usage("--max-wait=%s: accepted: a time span, such as 500ms or 2s", c.String("max-wait"))
	case c.Bool("check") && c.IsSet("format"):
		return usage("--check and --format at once: --check has a format of its own")
	}
	return checkColor(c)
}

func checkColor(c *cli.Context) error {
	if color := c.String("color"); color != "auto" && color != "always" && color != "never" {
		return usage("--color=%s: accepted: auto, always, never", color)
	}
	return nil
}

func spanError(text string) error {
	_, err := config.ParseSpan(text)
	return err
}

// formats are the values of --format.
var formats = []string{"table", "json", "prometheus", "svg"}

func monitor(c *cli.Context, a answers) error {
	most, err := config.ParseSpan(c.String("max-wait"))
	if err != nil {
		return err
	}
	troubles := a.absent
	for _, err := range a.silent {
		var exit *daemon.Exit
		if errors.As(err, &exit) && exit.Status == exitNotRunning && len(a.absent) > 0 {
			continue // systemd has said how it is
		}
		troubles = append(troubles, status.Trouble{Severity: status.Unknown, Text: err.Error()})
	}
	severity, line := status.Check(a.services, troubles, most)
	if _, err := fmt.Fprintln(c.App.Writer, line); err != nil {
		return err
	}
	if severity == status.OK {
		return nil
	}
	return &daemon.Exit{Status: int(severity)}
}

func (a answers) show(c *cli.Context) (err error) {
	one := c.Args().Present()
	style := statusStyle(c.String("color"), int(os.Stdout.Fd()), os.Getenv)
	switch {
	case a.asked == forMetrics:
		_, err = c.App.Writer.Write(status.MergeMetrics(a.metrics...))
	case a.asked == forHistory:
		err = page.WriteChart(c.App.Writer, a.histories)
	case c.String("format") == "json" && one:
		err = writeJSON(c, a.services[0])
	case c.String("format") == "json":
		err = writeJSON(c, a.services)
	case one:
		err = status.WriteWorkers(c.App.Writer, a.services[0], time.Now(), style)
	case len(a.services) > 0 || len(a.silent) == 0:
		err = status.WriteTable(c.App.Writer, a.services, style)
	}
	for _, trouble := range a.absent {
		if trouble.Severity != status.OK {
			a.silent = append(a.silent, &daemon.Exit{Status: 1, Err: errors.New(trouble.Text)})
		}
	}
	if err == nil && len(a.silent) > 0 {
		return a.notShown(c)
	}
	return err
}

// notShown says what is missing. It is a failure, but for services that are
// others': who sees one has seen all that are there for this user.
func (a answers) notShown(c *cli.Context) error {
	var why []string
	barred := 0
	for _, e := range a.silent {
		why = append(why, e.Error())
		if isDenied(e) {
			barred++
		}
	}
	err := fmt.Errorf("not shown:\n  %s", strings.Join(why, "\n  "))
	if barred == len(a.silent) && len(a.services)+len(a.metrics)+len(a.histories) > 0 {
		_, err = fmt.Fprintln(c.App.ErrWriter, "availd: "+prose.PrintableLines(err.Error()))
		return err
	}
	return &daemon.Exit{Status: 1, Err: err}
}

func writeJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", " ")
	return e.Encode(v)
}
