package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// metaphors are words for which the glossary of docs/ARCHITECTURE.md has the term of the
// field. They are looked for in whole words, and in parts of identifiers.
var metaphors = map[string]string{
	"bear":      "spawn, start",
	"conceive":  "start",
	"conceived": "started",
	"kid":       "worker",
	"kids":      "workers",
	"ismute":    "does not report",
	"birth":     "spawn, start",
	"births":    "starts",
	"born":      "started",
	"newborn":   "new worker",
	"stillborn": "startup failure",
	"cradle":    "start",
	"nursery":   "start",
	"bury":      "reap",
	"buried":    "reaped",
	"buries":    "reaps",
	"dying":     "ended, not reaped yet",
	"leaver":    "retiring worker",
	"leavers":   "retiring workers",
	"parting":   "retiring",
	"dismiss":   "retire",
	"seat":      "slot",
	"seats":     "slots",
	"vacate":    "detach",
	"resign":    "release",
	"bell":      "wake event",
	"hush":      "clear the wake event",
	"doze":      "wait",
	"deaf":      "does not report; does not handle its signal",
	"boardless": "without a board",
	"gossip":    "rejected reports",
	"mend":      "fix",
	"mends":     "fixes",
	"mended":    "fixed",
}

// allowed are the places in which such a word is somebody else's, or an interface: the
// start of the path, or the whole line without the space around it.
var allowed = map[string][]string{
	"birth": { // the name of an event
		"internal/event/", "internal/logs/", "packaging/availd.catalog", "(birth) With its generation.",
		"logged web.log birth level=DEBUG generation=1 stress=false",
	},
	"mend": {"internal/event/table_test.go"}, // a list of words itself
	"deaf": { // what test programs do that ignore a signal
		"e2e/", "internal/cli/deploy_", "internal/cli/retire_test.go", "internal/survivors/", "internal/cli/testdata/script/status.txtar",
	},
}

// packages are names under which nobody finds what is in there.
var packages = []string{"still", "first", "need", "leak", "ceiling", "util", "common", "helpers"}

// rollOut is a word in names only: the event of that name is an interface.
var rollOut = regexp.MustCompile(`(?i)rollout|roll-out`)

// TestWords holds the glossary for code, documents and manual pages.
func TestWords(t *testing.T) {
	if n := len(checkWords("x.go", "func (l *Loop) newBell() // the old seat, RollOutDone, stubborn birthday")); n != 3 {
		t.Fatalf("%d words are found in the test of this test, want 3", n)
	}
	checked := 0
	err := filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && len(d.Name()) > 1 && d.Name()[0] == '.':
			return filepath.SkipDir
		case d.IsDir() && slices.Contains(packages, d.Name()):
			t.Errorf("%s: say what the package is for", file)
			return nil
		case d.IsDir():
			return nil
		case !hasWords(file):
			return nil
		}
		text, err := os.ReadFile(file)
		for _, found := range checkWords(file, string(text)) {
			t.Error(found)
		}
		checked++
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 100 {
		t.Errorf("only %d files were checked", checked)
	}
}

// texts are the folders all of whose files are read, beside code and documents everywhere.
var texts = []string{"man/", "units/templates/", "packaging/", "preload/", "examples/", "internal/cli/testdata/script/", "e2e/guest/testdata/"}

func hasWords(file string) bool {
	switch {
	case file == "words_test.go", strings.HasPrefix(file, "policy/testdata/"): // the latter is the original's own
		return false
	case filepath.Ext(file) == ".go", filepath.Ext(file) == ".md", filepath.Ext(file) == ".c", filepath.Ext(file) == ".h":
		return true
	}
	return slices.ContainsFunc(texts, func(folder string) bool { return strings.HasPrefix(file, folder) })
}

// parts cuts a line into words, and names at their capital letters.
var parts = regexp.MustCompile(`[A-Z]+[a-z]*|[a-z]+`)

func checkWords(file, text string) (found []string) {
	for n, line := range strings.Split(text, "\n") {
		for _, part := range parts.FindAllString(line, -1) {
			if part == "BORN" { // what a forked worker says to availd
				continue
			}
			word := strings.ToLower(part)
			instead, bad := metaphors[word]
			if bad && !slices.ContainsFunc(allowed[word], func(a string) bool {
				return strings.HasPrefix(file, a) || strings.TrimSpace(line) == a
			}) {
				found = append(found, say(file, n, word, instead))
			}
		}
		if filepath.Ext(file) == ".go" && rollOut.MatchString(line) {
			found = append(found, say(file, n, rollOut.FindString(line), "rolling restart"))
		}
	}
	return found
}

func say(file string, line int, word, instead string) string {
	return file + ":" + strconv.Itoa(line+1) + ": " + word + ": say " + instead
}
