package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/survey"
)

func checkCommand() *cli.Command {
	return &cli.Command{
		Name: "check", Usage: "say what is wrong with the set-up of services, and the line to change",
		UsageText: "availd check [--format=text|json] [NAME|FILE…]", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "format", Value: "text", Usage: "show as `FORMAT`: text or json"},
		},
		Action: checkServices,
	}
}

func checkServices(c *cli.Context) error {
	if question := os.Getenv(survey.InsideVariable); question != "" {
		answer, err := survey.Inside(question)
		if err == nil {
			_, err = c.App.Writer.Write(answer)
		}
		return err
	}
	format := c.String("format")
	if format != "text" && format != "json" {
		return usage("--format=%s: accepted: text, json", format)
	}
	if err := noLateOptions(c.Args().Slice()); err != nil {
		return err
	}
	results, err := checkAll(c.Args().Slice())
	if err != nil {
		return err
	}
	if err := showChecks(c, results); err != nil {
		return err
	}
	worst := check.OK
	for _, r := range results {
		worst = max(worst, check.Worst(r.Findings))
	}
	if worst == check.OK {
		return nil
	}
	return &daemon.Exit{Status: int(worst)}
}

// checked is the outcome of one service.
type checked struct {
	Name     string          `json:"name"`
	Worst    check.Severity  `json:"worst"`
	Findings []check.Finding `json:"findings"`
}

func resultOf(name string, findings []check.Finding) checked {
	return checked{name, check.Worst(findings), findings}
}

func showChecks(c *cli.Context, results []checked) (err error) {
	if c.String("format") == "json" {
		text, _ := json.MarshalIndent(results, "", "  ") // strings and numbers
		_, err = fmt.Fprintln(c.App.Writer, string(text))
		return err
	}
	if len(results) == 0 {
		fmt.Fprintln(c.App.ErrWriter, "availd: systemd knows no service of availd (one with RuntimeDirectory=availd/NAME)")
	}
	for _, r := range results {
		for _, f := range r.Findings {
			if _, err := fmt.Fprintln(c.App.Writer, prose.Printable(f.String())); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkAll checks what is named, or all services of this host.
func checkAll(words []string) (results []checked, err error) {
	results = []checked{}
	var files []string
	if len(words) == 0 {
		for _, s := range configuredServices("", true) {
			results = append(results, checkService(strings.TrimSuffix(s.service, ".service"), s.user))
		}
		return results, nil
	}
	for _, word := range words {
		if isFile(word) {
			files = append(files, word)
			continue
		}
		results = append(results, checkService(word, ofUser(word)))
	}
	facts, err := survey.Files(files)
	if err != nil {
		return nil, &daemon.Exit{Status: daemon.ExitUsage, Err: err}
	}
	for _, f := range facts {
		results = append(results, resultOf(f.Name, check.Findings(f)))
	}
	return results, nil
}

// isFile tells a file from the name of a service: by a slash, or by the ending of a file
// that is there.
func isFile(word string) bool {
	if strings.Contains(word, "/") {
		return true
	}
	_, err := os.Stat(word)
	return err == nil && slices.Contains([]string{".service", ".socket", ".conf"}, filepath.Ext(word))
}

// ofUser reports whether a service is one of the user's own service manager: where the
// system knows none of that name.
func ofUser(name string) bool {
	found := configuredServices(strings.TrimSuffix(strings.TrimSuffix(name, ".service"), ".socket"), false)
	return len(found) > 0 && found[0].user
}

func checkService(name string, user bool) checked {
	f, err := survey.Service(name, user)
	if err != nil {
		id := "not-asked" // systemd does not answer, or a file of it may not be read
		if errors.Is(err, survey.ErrNoService) {
			id = "no-such-service"
		}
		return resultOf(f.Name, []check.Finding{{Severity: check.Error, ID: id, Text: err.Error()}})
	}
	askRunning(&f)
	return resultOf(f.Name, check.Findings(f))
}

// askRunning adds what the running service says of itself.
func askRunning(f *check.Facts) {
	name := f.Service.ControlName()
	if name == "" || f.State.Active == "inactive" {
		return
	}
	path, err := controlPath(name)
	if err != nil {
		f.Denied = isDenied(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	s, err := (control.Client{Path: path}).Status(ctx)
	if f.Denied = isDenied(err); err != nil {
		return
	}
	f.Status = &s
	if s.UnservedSince != nil {
		f.Unserved = time.Since(*s.UnservedSince)
	}
	pids := make([]int, 0, len(s.Workers))
	for _, w := range s.Workers {
		pids = append(pids, w.PID)
	}
	f.Stray = survey.Strays(s.MainPID, pids)
	survey.Memory(f, pids)
}
