package cli

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/availd/availd/internal/testutil"
)

// pagesOfDocs are the README and all pages below docs, from the root.
func pagesOfDocs(t *testing.T) []string {
	t.Helper()
	pages := []string{"README.md"}
	for _, pattern := range []string{"docs/*.md", "docs/tutorials/*.md", "docs/reference/*.md"} {
		found, _ := filepath.Glob(pattern) // the pattern is good
		pages = append(pages, found...)
	}
	if len(pages) < 15 {
		t.Fatalf("only the pages %q are found", pages)
	}
	return pages
}

// commandLines are the lines of code blocks, with those that go on in the next one joined.
func commandLines(page string) (lines []string) {
	fenced := false
	for line := range strings.Lines(strings.ReplaceAll(page, "\\\n", " ")) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "```") {
			fenced = !fenced
			continue
		}
		if bare, code := strings.CutPrefix(line, "    "); fenced || code {
			lines = append(lines, strings.TrimSpace(bare))
		}
	}
	return lines
}

// TestCommandsOfPages: every command line of availd in a page names a subcommand and
// options that there are.
func TestCommandsOfPages(t *testing.T) {
	t.Chdir(root)
	checked := 0
	for _, page := range pagesOfDocs(t) {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range commandLines(string(text)) {
			words := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(line, "$ "), "sudo "))
			if len(words) < 2 || words[0] != "availd" || strings.Trim(words[1], "abcdefghijklmnopqrstuvwxyz") != "" { // a picture
				continue
			}
			checked++
			if fault := unlikeCommand(words[1:]); fault != "" {
				t.Errorf("%s: %s: %s", page, line, fault)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d command lines are found", checked)
	}
}

// unlikeCommand says what of a command line does not exist, "" if all of it does.
func unlikeCommand(words []string) string {
	i := slices.IndexFunc(newApp().Commands, func(c *cli.Command) bool { return c.Name == words[0] })
	if i < 0 {
		return "no such subcommand"
	}
	known := map[string]bool{"--help": true}
	for _, f := range newApp().Commands[i].Flags {
		for _, name := range f.Names() {
			known["--"+name] = true
			known["-"+name] = len(name) == 1
		}
	}
	for _, word := range words[1:] {
		if word == "--" || strings.ContainsAny(word, ";|&") {
			break
		}
		if name, _, _ := strings.Cut(word, "="); strings.HasPrefix(word, "-") && !known[name] {
			return "no option " + name
		}
	}
	return ""
}

// TestTutorialUnits writes the units of the tutorials: the command is accepted, and systemd
// has nothing to say about what it writes.
func TestTutorialUnits(t *testing.T) {
	t.Chdir(root)
	pages, _ := filepath.Glob("docs/tutorials/*.md") // the pattern is good
	if len(pages) < 4 {
		t.Fatalf("only the pages %q are found", pages)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		written := 0
		for _, block := range testutil.Fenced(string(text), "sh") {
			for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
				rest, ok := strings.CutPrefix(line, "sudo availd units ")
				if !ok {
					continue
				}
				written++
				writeUnitsOf(t, page, strings.Fields(rest))
			}
		}
		if written == 0 {
			t.Errorf("%s writes no units", page)
		}
	}
}

func writeUnitsOf(t *testing.T, page string, words []string) {
	t.Helper()
	dir := t.TempDir()
	binary := testutil.Program(t, "true") // verify wants one that services see
	i := slices.Index(words, "--output")
	if i < 0 || words[i+1] != "/etc/systemd/system" {
		t.Fatalf("%s: no --output /etc/systemd/system", page)
	}
	words[i+1] = dir
	app, said := newApp(), &bytes.Buffer{}
	app.ErrWriter = said
	if err := app.Run(append([]string{"availd", "units", "--systemd", "252", "--binary", binary}, words...)); err != nil {
		t.Errorf("%s: %q: %v", page, words, err)
		return
	}
	verify(t, dir)
}

// TestReadmeCommands: the commands for one's own program are those of the tutorials, which
// are run on booted machines.
func TestReadmeCommands(t *testing.T) {
	t.Chdir(root)
	var tutorials []string
	pages, _ := filepath.Glob("docs/tutorials/*.md") // the pattern is good
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		tutorials = append(tutorials, testutil.Fenced(string(text), "sh")...)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := testutil.Fenced(string(readme), "sh")
	if len(blocks) < 3 {
		t.Fatalf("the README has the commands %q only", blocks)
	}
	for _, block := range blocks {
		if !slices.Contains(tutorials, block) {
			t.Errorf("no tutorial has the command of the README\n%s", block)
		}
	}
}

var number = regexp.MustCompile(`\d[\d,]*(?:\.\d+)?`)

// TestFigures: the figures of the README and of the head of docs/benchmarks.md are in the
// tables of measurements, as the runs have left them, at least as exactly.
func TestFigures(t *testing.T) {
	t.Chdir(root)
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	benchmarks, readme := read("docs/benchmarks.md"), read("README.md")
	_, tables, _ := strings.Cut(benchmarks, "\n## Open load")
	runs, err := filepath.Glob("docs/benchmarks/*.md")
	if err != nil || len(runs) == 0 {
		t.Fatalf("no run of the benchmarks is there: %v", err)
	}
	for _, run := range runs {
		tables += read(run)
	}
	var measured []float64
	for _, m := range number.FindAllString(tables, -1) {
		measured = append(measured, figure(m))
	}
	bullets, _, _ := strings.Cut(readme, "\n## ")
	for _, text := range []string{testutil.Section(benchmarks, "In five lines"), bullets, testutil.Section(readme, "Comparison with alternatives")} {
		figures := number.FindAllString(regexp.MustCompile(`\]\([^)]*\)|\(\d\)`).ReplaceAllString(text, ""), -1) // no links and manual sections
		if len(figures) < 10 {
			t.Errorf("only the figures %q are found", figures)
		}
		for _, f := range figures {
			_, decimals, _ := strings.Cut(f, ".")
			unit := math.Pow10(len(decimals))
			if !slices.ContainsFunc(measured, func(m float64) bool { return math.Round(m*unit) == math.Round(figure(f)*unit) }) {
				t.Errorf("no table has the figure %s", f)
			}
		}
	}
}

func figure(text string) float64 {
	n, _ := strconv.ParseFloat(strings.ReplaceAll(text, ",", ""), 64) // the pattern is that of a number
	return n
}

// TestTutorialWorkers plays availd to the workers that the page has, in Python and in Go.
func TestTutorialWorkers(t *testing.T) {
	t.Chdir(root)
	text, err := os.ReadFile("docs/tutorials/worker.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	source := func(language, file string) string {
		blocks := testutil.Fenced(string(text), language)
		if len(blocks) != 1 {
			t.Fatalf("the page has %d workers in %s, want one", len(blocks), language)
		}
		path := filepath.Join(dir, file)
		if err := os.WriteFile(path, []byte(blocks[0]), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("python", func(t *testing.T) { playHello(t, testutil.Program(t, "python3"), source("python", "worker.py")) })
	t.Run("go", func(t *testing.T) {
		binary := filepath.Join(dir, "hello")
		if out, err := exec.Command("go", "build", "-o", binary, source("go", "main.go")).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		playHello(t, binary)
	})
}

// playHello is availd to one worker: two clients, then the retire signal.
func playHello(t *testing.T, command ...string) {
	t.Helper()
	s := testutil.Supervise(t, "", syscall.SOCK_NONBLOCK)
	p := s.Start(command...)
	s.Expect("READY=1")
	for range 2 {
		c := s.Dial()
		if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")); err != nil {
			t.Fatal(err)
		}
		answer, err := io.ReadAll(c)
		if want := fmt.Sprintf("hello from %d\n", p.Pid); err != nil || !strings.HasSuffix(string(answer), want) {
			t.Errorf("the client got %q (%v), want %q at its end", answer, err, want)
		}
		s.Expect("X_AVAILD=busy", "X_AVAILD=idle")
	}
	s.Retire(p)
	s.Exited(p)
}
