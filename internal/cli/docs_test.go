package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/availd/availd/internal/config"
)

// root is the folder of the module, from that of this package.
const root = "../.."

var link = regexp.MustCompile(`\]\(([^):]+)\)`)

// TestLinks: what a page refers to is there.
func TestLinks(t *testing.T) {
	t.Chdir(root)
	pages := []string{"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"}
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
			file, heading, within := strings.Cut(m[1], "#")
			target := page
			if file != "" {
				target = filepath.Join(filepath.Dir(page), file)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s: %v", page, err)
				continue
			}
			if !within {
				continue
			}
			to, err := os.ReadFile(target)
			if err != nil || !slices.Contains(anchors(string(to)), heading) {
				t.Errorf("%s: %s has no heading #%s (%v)", page, target, heading, err)
			}
		}
	}
}

// anchors are the headings of a page as links name them: a forge leaves out what is no
// letter, digit, hyphen or underscore.
func anchors(page string) (all []string) {
	for _, m := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return r
			}
			return -1
		}, strings.ToLower(m[1])))
	}
	return all
}

var readmeOption = regexp.MustCompile("(?m)^\\| `--([a-z-]+) ([A-Z]+)` \\| (\\S+) \\|")

// TestReadmeOptions: the few options that the README names have these defaults.
func TestReadmeOptions(t *testing.T) {
	t.Chdir(root)
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
