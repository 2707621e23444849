package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestArchitecture: the map shows every package, and none that is gone.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	imports, shown := directImports(t), map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		shown[row[1]] = true
		if _, ok := imports[row[1]]; !ok {
			t.Errorf("package %s is shown, and gone", row[1])
		}
	}
	for pkg := range imports {
		if strings.HasPrefix(pkg, "internal/") && !shown[pkg] && !strings.Contains(pkg, "/testdata/") {
			t.Errorf("package %s is not shown", pkg)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^):]+)\)`)

// TestLinks: what a page refers to is there.
func TestLinks(t *testing.T) {
	pages := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md"}
	err := filepath.WalkDir("docs", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".md") {
			pages = append(pages, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Error(err)
		}
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: %v", page, err)
			}
		}
	}
}
