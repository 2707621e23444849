package packaging

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/logs"
	"github.com/availd/availd/internal/need"
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
	for kind, id := range logs.MessageID {
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

// TestCatalogKinds: the kinds that have an id are kinds of the loop.
func TestCatalogKinds(t *testing.T) {
	source := read(t, "../internal/loop/say.go")
	for kind := range logs.MessageID {
		if !strings.Contains(source, ` event = "`+kind+`"`) {
			t.Errorf("nothing is said of the kind %s", kind)
		}
	}
}

var (
	variable = regexp.MustCompile(`@([^@\n]*)@`)
	// always are fields of every message, ofWorker of those about one.
	always   = []string{"SERVICE", "EVENT", "BUSY", "IDLE", "LIMIT", "QUEUE"}
	ofWorker = []string{"WORKER_PID", "GENERATION"}
	workers  = []string{"worker_failed", "worker_hung", "suspect"}
)

// TestCatalogVariables: journalctl replaces @FIELD@ by what the message says,
// so the message has to say it.
func TestCatalogVariables(t *testing.T) {
	entries := catalog(t)
	for kind, id := range logs.MessageID {
		fields := always
		if slices.Contains(workers, kind) {
			fields = slices.Concat(always, ofWorker)
		}
		e := entries[id]
		for _, m := range variable.FindAllStringSubmatch(strings.Join(e.head, "\n")+e.text, -1) {
			name, ours := strings.CutPrefix(m[1], logs.FieldPrefix)
			if !ours || !slices.Contains(fields, name) {
				t.Errorf("%s: @%s@ is no field of that message", kind, m[1])
			}
		}
	}
}

// TestCatalogLoads: systemd's own reader takes the file.
func TestCatalogLoads(t *testing.T) {
	journalctl := need.Program(t, "journalctl")
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
	if n := strings.Count(string(out), " availd: "); err != nil || n != len(logs.MessageID) {
		t.Errorf("journalctl knows %d entries, want %d (%v)\n%s", n, len(logs.MessageID), err, out)
	}
}
