package config

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// run parses args as the program does and returns what was collected.
func run(t *testing.T, args ...string) ([]Setting, []string, string, error) {
	t.Helper()
	var collected []Setting
	var rest []string
	var out bytes.Buffer
	app := &cli.App{
		Name: "availd", Writer: &out, ErrWriter: io.Discard, HideHelpCommand: true,
		Flags:        Flags(&collected),
		OnUsageError: func(_ *cli.Context, err error, _ bool) error { return err },
		Action:       func(c *cli.Context) error { rest = c.Args().Slice(); return nil },
	}
	err := app.Run(append([]string{"availd"}, args...))
	return collected, rest, out.String(), err
}

func TestFlagsCollect(t *testing.T) {
	t.Setenv("LIMIT", "3") // no option has an environment form
	got, rest, _, err := run(t, "--limit", "5", "--listen=a:1", "--limit=7", "--listen", ":2", "--", "/bin/w", "--limit=9")
	want := []Setting{{"limit", "5"}, {"listen", "a:1"}, {"limit", "7"}, {"listen", ":2"}}
	if err != nil || !slices.Equal(got, want) || !slices.Equal(rest, []string{"/bin/w", "--limit=9"}) {
		t.Errorf("got %v, %v, %v; want %v", got, rest, err, want)
	}
}

func TestFlagsRefuse(t *testing.T) {
	for _, arg := range []string{"--limit=010", "--listen=:1,:2", "--stress=yes", "--throttle=-1", "--name="} {
		got, _, _, err := run(t, arg)
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		if err == nil || !strings.Contains(err.Error(), "-"+name) || !strings.Contains(err.Error(), "; accepted: "+find(name).Accepts()) {
			t.Errorf("%s: got %v", arg, err)
		}
		// then Load says it in its own words
		if _, err := Load(got, command); err == nil || !strings.HasPrefix(err.Error(), arg+": ") {
			t.Errorf("%s: Load says %v", arg, err)
		}
		if !slices.Equal(got, []Setting{{name, value}}) {
			t.Errorf("%s: collected %v", arg, got)
		}
	}
}

func TestHelp(t *testing.T) {
	_, _, help, err := run(t, "--help")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(help, "\n")
	for _, o := range Options() {
		found := slices.ContainsFunc(lines, func(line string) bool {
			return strings.HasPrefix(strings.TrimSpace(line), "--"+o.Name+" "+o.Arg+" ") &&
				strings.Contains(line, o.Help) &&
				strings.Contains(line, "(default: ") == (o.Default+o.DefaultText != "")
		})
		if !found {
			t.Errorf("the help does not have --%s as the table does:\n%s", o.Name, help)
		}
	}
	for _, g := range Groups() {
		if !strings.Contains(help, g) {
			t.Errorf("the help has no group %s", g)
		}
	}
}
