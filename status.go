package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/control"
	"github.com/availd/availd/internal/daemon"
	"github.com/availd/availd/internal/status"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name: "status", Usage: "show all pools of this host, or one worker by worker",
		UsageText: "availd status [--format=table|json] [NAME]", HideHelpCommand: true, OnUsageError: usageError,
		Flags: []cli.Flag{&cli.StringFlag{Name: "format", Value: "table", Usage: "`FORMAT`: table or json"}},
		Action: func(c *cli.Context) error {
			if f := c.String("format"); f != "table" && f != "json" {
				return usage("--format=%s: accepted: table, json", f)
			}
			if c.Args().Present() {
				return statusOfOne(c)
			}
			return statusOfAll(c)
		},
	}
}

// statusWait bounds the question to a service that does not answer.
const statusWait = 5 * time.Second

func statusOfOne(c *cli.Context) error {
	name, err := oneName(c)
	if err != nil {
		return err
	}
	path, err := controlPath(name)
	if err != nil {
		return err
	}
	s, err := ask(path)
	if err != nil {
		return &daemon.Exit{Status: exitNotRunning, Err: fmt.Errorf("service %s does not answer: %w", name, err)}
	}
	if c.String("format") == "json" {
		return writeJSON(c, s)
	}
	return status.WriteWorkers(c.App.Writer, s)
}

func statusOfAll(c *cli.Context) error {
	services := []status.Service{}
	var silent []string
	for _, path := range allControlPaths() {
		s, err := ask(path)
		if err != nil {
			silent = append(silent, fmt.Sprintf("%s: %v", path, err))
			continue
		}
		services = append(services, s)
	}
	var err error
	if c.String("format") == "json" {
		err = writeJSON(c, services)
	} else {
		err = status.WriteTable(c.App.Writer, services)
	}
	if err == nil && len(silent) > 0 {
		return &daemon.Exit{Status: 1, Err: fmt.Errorf("not shown: %s", strings.Join(silent, "; "))}
	}
	return err
}

func ask(path string) (status.Service, error) {
	ctx, cancel := context.WithTimeout(context.Background(), statusWait)
	defer cancel()
	return control.Client{Path: path}.Status(ctx)
}

func writeJSON(c *cli.Context, v any) error {
	e := json.NewEncoder(c.App.Writer)
	e.SetIndent("", " ")
	return e.Encode(v)
}

// runtimeRoots are the directories below which RuntimeDirectory=availd/NAME
// lies: of the system, and of this user's own service manager.
func runtimeRoots() []string {
	roots := []string{"/run/availd"}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		roots = append(roots, filepath.Join(dir, "availd"))
	}
	return roots
}

func controlPaths(name string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	var paths []string
	for _, root := range runtimeRoots() {
		paths = append(paths, filepath.Join(root, name, "control"))
	}
	return paths
}

func allControlPaths() []string {
	var paths []string
	for _, root := range runtimeRoots() {
		found, _ := filepath.Glob(filepath.Join(root, "*", "control")) // the pattern is good
		paths = append(paths, found...)
	}
	return paths
}
