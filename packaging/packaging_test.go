// Package packaging makes the deb and rpm packages. Its tests keep the list of
// files, the licences and the version true to the tree, without building
// anything.
package packaging

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

var staged = regexp.MustCompile(`(?m)^  - src: \$\{STAGE\}/(\S+)$`)

// made are the packaged files that packaging/build makes, not copies.
var made = []string{"availd", "doc", "changelog.gz"}

func TestContentsExist(t *testing.T) {
	config := read(t, "nfpm.yaml")
	var listed []string
	for _, m := range staged.FindAllStringSubmatch(config, -1) {
		listed = append(listed, m[1])
		if slices.Contains(made, m[1]) {
			continue
		}
		if _, err := os.Stat(filepath.Join("..", strings.TrimSuffix(m[1], ".gz"))); err != nil {
			t.Error(err)
		}
	}
	if n := strings.Count(config, "- src:"); n != len(listed) {
		t.Errorf("%d of %d files are not from ${STAGE}", n-len(listed), n)
	}
	pages, _ := filepath.Glob("../man/*.[1-8]") // the pattern is good
	for _, page := range pages {
		if name := "man/" + filepath.Base(page) + ".gz"; !slices.Contains(listed, name) {
			t.Errorf("%s is not in the packages", page)
		}
	}
}

// TestStaged: what is packaged is also staged, and the other way round.
func TestStaged(t *testing.T) {
	script := read(t, "build")
	for _, name := range []string{"$STAGE/availd", "$STAGE/doc/", "$STAGE/examples", "$STAGE/LICENSE", "$STAGE/changelog", "$STAGE/packaging/lintian-overrides"} {
		if !strings.Contains(script, name) {
			t.Errorf("packaging/build does not make %s", name)
		}
	}
	for _, name := range []string{"availd.catalog", "copyright", "lintian-overrides", "nfpm.yaml"} {
		read(t, name)
		if !strings.Contains(script, "packaging/"+name) {
			t.Errorf("packaging/build does not use %s", name)
		}
	}
}

// defaultVersion is the version of a tree without a tag.
func defaultVersion(t *testing.T, file, pattern string) string {
	t.Helper()
	m := regexp.MustCompile(pattern).FindStringSubmatch(read(t, file))
	if m == nil {
		t.Fatalf("%s: no version", file)
	}
	return m[1]
}

func TestVersionsAgree(t *testing.T) {
	want := defaultVersion(t, "../Makefile", `echo v?([0-9]+\.[0-9]+\.[0-9]+)\)`)
	if got := defaultVersion(t, "build", `([0-9]+\.[0-9]+\.[0-9]+)\+g`); got != want {
		t.Errorf("packaging/build says %s, the Makefile %s", got, want)
	}
	if _, err := os.Stat("../CHANGELOG.md"); errors.Is(err, fs.ErrNotExist) {
		return
	}
	if got := defaultVersion(t, "../CHANGELOG.md", `(?m)^## \[?v?([0-9]+\.[0-9]+\.[0-9]+)`); got != want {
		t.Errorf("CHANGELOG.md says %s, the Makefile %s", got, want)
	}
}

func TestPackageVersion(t *testing.T) {
	function := regexp.MustCompile(`(?ms)^package_version\(\) \{$.*?^\}$`).FindString(read(t, "build"))
	base := defaultVersion(t, "../Makefile", `echo v?([0-9]+\.[0-9]+\.[0-9]+)\)`)
	for _, c := range []struct{ describe, want string }{
		{"0.1.0", "0.1.0"},
		{"v1.2.3", "1.2.3"},
		{"v1.2.3-dirty", "1.2.3.dirty"},
		{"v1.2.3-4-gabc1234", "1.2.3+4.gabc1234"},
		{"v1.2.3-4-gabc1234-dirty", "1.2.3+4.gabc1234.dirty"},
		{"v1.2.3-rc1", "1.2.3~rc1"},
		{"v1.2.3-rc1-2-gabc1234", "1.2.3~rc1+2.gabc1234"},
		{"717ae07", base + "+g717ae07"},
		{"1234567-dirty", base + "+g1234567.dirty"},
	} {
		out, err := exec.Command("/bin/sh", "-c", function+"\npackage_version \"$1\"", "sh", c.describe).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != c.want {
			t.Errorf("%s: %q (%v), want %q", c.describe, got, err, c.want)
		}
	}
}

// TestOverridesHaveReasons: a tag is overridden only with a comment before it.
func TestOverridesHaveReasons(t *testing.T) {
	before, tags := "", 0
	for line := range strings.Lines(read(t, "lintian-overrides")) {
		if strings.HasPrefix(line, "availd: ") {
			tags++
			if !strings.HasPrefix(before, "# ") {
				t.Errorf("no reason before %q", line)
			}
		}
		before = line
	}
	if tags == 0 {
		t.Error("no tag is overridden: remove the file, and this test")
	}
}
