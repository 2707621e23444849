// Package man holds the manual pages. Its tests keep them true to the program:
// options, defaults, subcommands, messages and examples are compared with the
// source, both ways where there are two.
package man

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

var pages = func() []string {
	names, _ := filepath.Glob("*.[1-8]") // the pattern is good
	return names
}()

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestLint(t *testing.T) {
	out, err := exec.Command(testutil.Program(t, "mandoc"), append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// section returns the lines of one .Sh.
func section(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, page), "\n.Sh "+name+"\n")
	if !found {
		t.Fatalf("%s has no section %s", page, name)
	}
	text, _, _ := strings.Cut(rest, "\n.Sh ")
	return text + "\n"
}

var (
	pageTitle      = regexp.MustCompile(`(?m)^\.Dt ([A-Z.-]+) ([1-8])$`)
	crossReference = regexp.MustCompile(`(?m)^\.Xr (availd\S*) ([1-8])`)
)

// TestTitles: a page is called as its file is, and what it refers to is there.
func TestTitles(t *testing.T) {
	if len(pages) < 5 {
		t.Fatalf("only the pages %q are found", pages)
	}
	for _, p := range pages {
		text := read(t, p)
		if m := pageTitle.FindStringSubmatch(text); m == nil || strings.ToLower(m[1])+"."+m[2] != p {
			t.Errorf("%s calls itself %q", p, m)
		}
		for _, m := range crossReference.FindAllStringSubmatch(text, -1) {
			if to := m[1] + "." + m[2]; !slices.Contains(pages, to) {
				t.Errorf("%s refers to %s, which is not there", p, to)
			}
		}
	}
}

// TestPlain keeps the pages readable on every terminal and greppable.
func TestPlain(t *testing.T) {
	for _, p := range pages {
		for i, line := range bytes.Split([]byte(read(t, p)), []byte("\n")) {
			for _, c := range line {
				if c >= 0x80 || c < ' ' && c != '\t' {
					t.Errorf("%s:%d: byte %#x", p, i+1, c)
				}
			}
		}
	}
}
