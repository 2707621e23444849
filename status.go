package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/columns"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/metrics"
	"github.com/availd/availd/internal/status"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show all pools of this host, or one worker by worker",
		UsageText: "availd status [--format=table|json|prometheus] [--check] [--color=auto|always|never] [NAME]", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "table", Usage: "show as `FORMAT`: table, json or prometheus"},
			&cli.BoolFlag{Name: "check", Usage: "one line and an exit status for monitoring: 0 ok, 1 warning, 2 critical, 3 unknown"},
			&cli.StringFlag{Name: "color", Value: "auto", Usage: "`WHEN` to use colours: auto, always or never"},
		},
		Action: showStatus,
	}
}

func showStatus(c *cli.Context) error {
	if err := statusUsage(c); err != nil {
		return err
	}
	a := answers{services: []status.Service{}, asMetrics: c.String("format") == "prometheus"}
	if c.Args().Present() {
		name, err := oneName(c)
		if err != nil {
			return err
		}
		a.askOne(name)
	} else {
		a.askAll()
	}
	if c.Bool("check") {
		return check(c, a)
	}
	if c.Args().Present() && a.silent != nil {
		return a.silent[0]
	}
	return a.show(c)
}

func statusUsage(c *cli.Context) error {
	switch format, color := c.String("format"), c.String("color"); {
	case format != "table" && format != "json" && format != "prometheus":
		return usage("--format=%s: accepted: table, json, prometheus", format)
	case color != "auto" && color != "always" && color != "never":
		return usage("--color=%s: accepted: auto, always, never", color)
	case c.Bool("check") && c.IsSet("format"):
		return usage("--check and --format at once: --check has a format of its own")
	}
	return nil
}

// answers are what services said, and why others said nothing.
type answers struct {
	asMetrics bool // ask for metrics, not for services
	metrics   [][]byte
	services  []status.Service
	silent    []error // each a *daemon.Exit
}

// statusWait bounds the question to a service that does not answer.
const statusWait = 5 * time.Second

func (a *answers) ask(path, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	var s status.Service
	var text []byte
	var err error
	if a.asMetrics {
		text, err = control.Client{Path: path}.Metrics(ctx)
	} else {
		s, err = control.Client{Path: path}.Status(ctx)
	}
	switch {
	case err != nil:
		a.silent = append(a.silent, unanswered(path, name, err))
	case a.asMetrics:
		a.metrics = append(a.metrics, text)
	default:
		a.services = append(a.services, s)
	}
}

func (a *answers) askOne(name string) {
	path, err := controlPath(name)
	if err != nil {
		a.silent = []error{err}
		return
	}
	a.ask(path, name)
}

func (a *answers) askAll() {
	paths, denied := allControlPaths()
	a.silent = denied
	for _, path := range paths {
		a.ask(path, "")
	}
}

func check(c *cli.Context, a answers) error {
	var troubles []string
	for _, err := range a.silent {
		troubles = append(troubles, err.Error())
	}
	severity, line := status.Check(a.services, troubles)
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
	case a.asMetrics:
		_, err = c.App.Writer.Write(metrics.Merge(a.metrics...))
	case c.String("format") == "json" && one:
		err = writeJSON(c, a.services[0])
	case c.String("format") == "json":
		err = writeJSON(c, a.services)
	case one:
		err = status.WriteWorkers(c.App.Writer, a.services[0], time.Now(), style)
	case len(a.services) > 0 || len(a.silent) == 0:
		err = status.WriteTable(c.App.Writer, a.services, style)
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
	if barred == len(a.silent) && len(a.services)+len(a.metrics) > 0 {
		_, err = fmt.Fprintln(c.App.ErrWriter, "availd: "+columns.PrintableLines(err.Error()))
		return err
	}
	return &daemon.Exit{Status: 1, Err: err}
}

// unanswered says why a service was not heard, and what to do about it.
func unanswered(path, name string, err error) error {
	if name == "" {
		name = path
	}
	switch {
	case isDenied(err):
		return barred(path)
	case isGone(err):
		return notRunning(name, "nobody answers on "+path)
	case errors.Is(err, context.DeadlineExceeded):
		return &daemon.Exit{Status: 1, Err: fmt.Errorf("service %s does not answer within %v: see whether its availd is stopped, or short of processor time", name, statusWait)}
	default:
		return &daemon.Exit{Status: 1, Err: fmt.Errorf("service %s does not answer: %w", name, err)}
	}
}

func writeJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", " ")
	return e.Encode(v)
}
