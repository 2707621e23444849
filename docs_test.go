package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/config"
)

// TestArchitecture: the map shows every package, and none that is gone.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	imports, shown, above := directImports(t), map[string]bool{}, []string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|.*\\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		shown[row[1]] = true
		if _, ok := imports[row[1]]; !ok {
			t.Errorf("package %s is shown, and gone", row[1])
		}
		want := ownNames(imports[row[1]])
		if strings.HasPrefix(row[2], "all of the above but ") {
			others := slices.DeleteFunc(slices.Clone(above), func(name string) bool { return slices.Contains(want, name) })
			slices.Sort(others)
			want = append([]string{"all of the above but " + others[0]}, others[1:]...)
		}
		if want := strings.Join(want, ", "); row[2] != want {
			t.Errorf("package %s: the map says it imports %q, and not %q", row[1], row[2], want)
		}
		above = append(above, filepath.Base(row[1]))
	}
	for pkg := range imports {
		if strings.HasPrefix(pkg, "internal/") && !shown[pkg] && !strings.Contains(pkg, "/testdata/") {
			t.Errorf("package %s is not shown", pkg)
		}
	}
}

// ownNames are the imports of this module as the map writes them: in order, the
// last element of the path; a dash is none.
func ownNames(imports []string) []string {
	var names []string
	for _, path := range imports {
		if own, ok := strings.CutPrefix(path, module+"/"); ok {
			names = append(names, filepath.Base(own))
		}
	}
	if names == nil {
		return []string{"–"}
	}
	slices.Sort(names)
	return names
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

var readmeOption = regexp.MustCompile("(?m)^\\| `--([a-z-]+) ([A-Z]+)` \\| (\\S+) \\|")

// TestReadmeOptions: the few options that the README names have these defaults.
func TestReadmeOptions(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Options worth knowing\n")
	section, _, _ = strings.Cut(section, "\n## ")
	rows := readmeOption.FindAllStringSubmatch(section, -1)
	if len(rows) == 0 || len(rows) > 5 || len(rows) != strings.Count(section, "\n| `--") {
		t.Fatalf("there are %d options, want one to five in rows of one form", len(rows))
	}
	for _, row := range rows {
		i := slices.IndexFunc(config.Options(), func(o config.Option) bool { return o.Name == row[1] })
		if i < 0 {
			t.Errorf("--%s does not exist", row[1])
			continue
		}
		if o := config.Options()[i]; o.Arg != row[2] || o.Default != row[3] {
			t.Errorf("--%s %s has the default %s, want --%s %s with %s", row[1], row[2], row[3], o.Name, o.Arg, o.Default)
		}
	}
}
