package cli

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// TestMoving runs the commands of docs/moving.md: what they write says what the
// page quotes, and systemd has nothing to say about it.
func TestMoving(t *testing.T) {
	t.Chdir(root)
	page, err := os.ReadFile("docs/moving.md")
	if err != nil {
		t.Fatal(err)
	}
	commands, quotes := testutil.Fenced(string(page), "sh"), testutil.Fenced(string(page), "ini")
	if len(commands) != 5 || len(quotes) != 5 {
		t.Fatalf("%d commands and %d quotes are found, want 5 of each", len(commands), len(quotes))
	}
	for i, command := range commands {
		words := strings.Fields(strings.ReplaceAll(command, "\\\n", " "))
		dir := t.TempDir()
		binary := filepath.Join(dir, "availd") // verify wants one
		if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		app := newApp()
		app.ErrWriter = &said
		own := []string{"availd", "units", "--systemd", "252", "--binary", binary, "--output", dir}
		if err := app.Run(append(own, words[2:]...)); err != nil {
			t.Errorf("%s: %v", command, err)
			continue
		}
		written := moved(t, dir)
		for line := range strings.Lines(quotes[i]) {
			if !strings.Contains(written, "\n"+line) {
				t.Errorf("%swrites no line %s", command, line)
			}
		}
		t.Run("verify", func(t *testing.T) { verify(t, dir) })
	}
}

// moved is the text of the set in a directory.
func moved(t *testing.T, dir string) (text string) {
	t.Helper()
	for suffix, n := range map[string]int{"socket": 1, "service": 2, "conf": 1} { // of services one is for the pause
		names, _ := filepath.Glob(filepath.Join(dir, "*."+suffix)) // the pattern is good
		if len(names) != n {
			t.Fatalf("the set has %d files of the kind %s, want %d", len(names), suffix, n)
		}
		slices.Sort(names)
		names = names[len(names)-1:]
		data, err := os.ReadFile(names[0])
		if err != nil {
			t.Fatal(err)
		}
		text += "\n" + string(data)
	}
	return text
}

// verify has systemd look at the units in a directory. What it does not know it
// only prints, and its status is good.
func verify(t *testing.T, dir string) {
	t.Helper()
	analyze := testutil.Program(t, "systemd-analyze")
	units, _ := filepath.Glob(filepath.Join(dir, "*.s*")) // the pattern is good
	out, err := exec.Command(analyze, append([]string{"verify", "--man=no"}, units...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
