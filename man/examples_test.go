package man

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/testutil"
)

// displays returns the literal blocks of the EXAMPLES.
func displays(t *testing.T, page string) []string {
	t.Helper()
	var blocks []string
	if !strings.Contains(read(t, page), "\n.Sh EXAMPLES\n") {
		return nil
	}
	for _, part := range strings.Split(section(t, page, "EXAMPLES"), ".Bd -literal -offset indent\n")[1:] {
		block, _, closed := strings.Cut(part, ".Ed\n")
		if !closed {
			t.Fatalf("%s: a display does not end", page)
		}
		blocks = append(blocks, testutil.Roff(block))
	}
	return blocks
}

// runLine finds the command lines of availd run.
var runLine = regexp.MustCompile(`(?m)^(?:ExecStart=/usr/bin/)?availd run (.*)$`)

// TestExampleCommands gives each example to the parser of the command line; a
// configuration file named in it is the one that the page shows.
func TestExampleCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "web.conf")
	lines := 0
	for _, page := range pages {
		for _, block := range displays(t, page) {
			if strings.HasPrefix(block, "# options") {
				if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, block := range displays(t, page) {
			for _, m := range runLine.FindAllStringSubmatch(block, -1) {
				lines++
				args := strings.Fields(strings.ReplaceAll(m[1], "/etc/availd/web.conf", file))
				if err := parse(args); err != nil {
					t.Errorf("%s: %q: %v", page, m[0], err)
				}
			}
		}
	}
	if lines < 4 {
		t.Errorf("only %d command lines are found", lines)
	}
}

// parse reads the arguments of availd run as the program does.
func parse(args []string) error {
	var settings []config.Setting
	app := &cli.App{Flags: config.Flags(&settings), HideHelp: true, Action: func(c *cli.Context) error {
		_, err := config.Load(settings, c.Args().Slice())
		return err
	}, Writer: nothing{}, ErrWriter: nothing{}, ExitErrHandler: func(*cli.Context, error) {}}
	return app.Run(append([]string{"run"}, args...))
}

// TestExampleFiles: an example of a whole service is one.
func TestExampleFiles(t *testing.T) {
	file, services := filepath.Join(t.TempDir(), "web.conf"), 0
	for _, page := range pages {
		for _, block := range displays(t, page) {
			if !strings.HasPrefix(block, "command=") {
				continue
			}
			services++
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			if s, found, err := config.ReadService(file); !found || err != nil || s.Mistakes != nil || s.Listen == nil {
				t.Errorf("%s: %q: found %t, %v, %v", page, block, found, err, s.Mistakes)
			}
		}
	}
	if services < 2 {
		t.Errorf("only %d services are found", services)
	}
}

type nothing struct{}

func (nothing) Write(p []byte) (int, error) { return len(p), nil }

func TestParseRefuses(t *testing.T) {
	for _, bad := range []string{"--no-such-option -- true", "--limit=x -- true", "--config=/nonexistent -- true"} {
		if parse(strings.Fields(bad)) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
