package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSandboxTable: every row of what confines a service names tests that are there.
func TestSandboxTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	scenario, err := os.ReadFile("../../e2e/guest/sandbox_test.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "\n| setting | what is different | test |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	named := map[string]bool{}
	for _, row := range strings.Split(table, "\n") {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[len(cells)-1], -1) {
			named[m[1]] = true
			if !strings.HasPrefix(m[1], "Test") && !strings.Contains(string(scenario), `name: "`+m[1]+`"`) {
				t.Errorf("the table names %s, which is not there", m[1])
			}
		}
	}
	for _, m := range regexp.MustCompile(`name: "([a-z]+)"`).FindAllStringSubmatch(string(scenario), -1) {
		if !named[m[1]] {
			t.Errorf("the table does not name %s", m[1])
		}
	}
	if len(named) < 10 {
		t.Fatalf("only %d tests are named", len(named))
	}
}

// TestSecurityPage: every test that the page names is there.
func TestSecurityPage(t *testing.T) {
	root := "../.."
	page, err := os.ReadFile(filepath.Join(root, "docs/security.md"))
	if err != nil {
		t.Fatal(err)
	}
	var tests strings.Builder
	scripts := map[string]bool{}
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			scripts[filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			text, err := os.ReadFile(path)
			tests.Write(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile("`(Test[A-Za-z0-9]+|[a-z]+\\.txtar)`").FindAllStringSubmatch(string(page), -1)
	if len(names) < 20 {
		t.Fatalf("only %d tests are named", len(names))
	}
	for _, n := range names {
		if !scripts[n[1]] && !strings.Contains(tests.String(), "func "+n[1]+"(") {
			t.Errorf("the page names %s, which is not there", n[1])
		}
	}
}
