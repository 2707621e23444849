package packaging

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/testutil"
)

// explained is an entry of the catalog: its head, a line an element, and what
// follows the first empty line.
type explained struct {
	head []string
	text string
}

var catalogID = regexp.MustCompile(`(?m)^-- (.*)\n`)

// catalog returns the entries by id.
func catalog(t *testing.T) map[string]explained {
	t.Helper()
	text := read(t, "availd.catalog")
	entries := map[string]explained{}
	at := catalogID.FindAllStringSubmatchIndex(text, -1)
	for i, m := range at {
		end := len(text)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		id := text[m[2]:m[3]]
		if _, twice := entries[id]; twice {
			t.Errorf("id %s has two entries", id)
		}
		head, body, _ := strings.Cut(text[m[1]:end], "\n\n")
		entries[id] = explained{strings.Split(head, "\n"), body}
	}
	return entries
}

// TestCatalogExplains: every id of the program has an entry, and every entry
// one of the program's.
func TestCatalogExplains(t *testing.T) {
	entries := catalog(t)
	for kind, id := range event.MessageID {
		e, found := entries[id]
		delete(entries, id)
		switch {
		case !found:
			t.Errorf("%s (%s) has no entry", kind, id)
		case !strings.HasPrefix(e.head[0], "Subject: ") || !slices.Contains(e.head, "Defined-By: availd"):
			t.Errorf("%s: the head is %q", kind, e.head)
		case len(e.text) < 100:
			t.Errorf("%s is explained by %q", kind, e.text)
		}
	}
	for id := range entries {
		t.Errorf("entry %s is of no kind of message", id)
	}
}

// TestCatalogLoads: systemd's own reader takes the file.
func TestCatalogLoads(t *testing.T) {
	journalctl := testutil.Program(t, "journalctl")
	root := t.TempDir()
	for _, args := range [][]string{
		{"install", "-D", "-m", "644", "availd.catalog", root + "/usr/lib/systemd/catalog/availd.catalog"},
		{"install", "-d", root + "/var/lib/systemd/catalog"},
		{journalctl, "--root", root, "--update-catalog"},
	} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil || args[0] == journalctl && len(out) > 0 {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
	}
	out, err := exec.Command(journalctl, "--root", root, "--list-catalog").CombinedOutput()
	if n := strings.Count(string(out), " availd: "); err != nil || n != len(event.MessageID) {
		t.Errorf("journalctl knows %d entries, want %d (%v)\n%s", n, len(event.MessageID), err, out)
	}
}
