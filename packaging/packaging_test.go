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
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// installed runs packaging/install and returns the files, with their modes.
func installed(t *testing.T) map[string]fs.FileMode {
	t.Helper()
	root := t.TempDir()
	if out, err := exec.Command("./install", root, "/usr", "build", "copyright").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	files := map[string]fs.FileMode{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		files[strings.TrimPrefix(path, root)] = info.Mode()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestInstall: what is in the tree for users is installed where they look.
func TestInstall(t *testing.T) {
	files := installed(t)
	want := map[string]fs.FileMode{
		"/usr/bin/availd":                                      0o755,
		"/usr/lib/availd/availd-preload.so":                    0o644,
		"/usr/lib/systemd/catalog/availd.catalog":              0o644,
		"/usr/lib/systemd/system-generators/availd-generator":  fs.ModeSymlink | 0o777,
		"/usr/share/bash-completion/completions/availd":        0o644,
		"/usr/share/zsh/site-functions/_availd":                0o644,
		"/usr/share/fish/vendor_completions.d/availd.fish":     0o644,
		"/etc/needrestart/conf.d/availd.conf":                  0o644,
		"/usr/share/doc/availd/README.md":                      0o644,
		"/usr/share/doc/availd/CHANGELOG.md":                   0o644,
		"/usr/share/doc/availd/SECURITY.md":                    0o644,
		"/usr/share/doc/availd/examples/http-python/worker.py": 0o755,
	}
	for _, pattern := range []string{"man/*.[1-8]", "docs/*.md", "docs/pictures/*.png", "docs/*/*.svg", "docs/*/*.md", "examples/*/*.service", "packaging/*.rules.yml", "packaging/grafana.json"} {
		found, _ := filepath.Glob("../" + pattern) // the pattern is good
		for _, name := range found {
			name = strings.TrimPrefix(name, "../")
			target := "/usr/share/doc/availd/" + strings.TrimPrefix(name, "packaging/")
			if strings.HasPrefix(name, "man/") {
				target = "/usr/share/man/man" + name[len(name)-1:] + "/" + filepath.Base(name)
			}
			want[target] = 0o644
		}
	}
	for name, mode := range want {
		if files[name] != mode {
			t.Errorf("%s has mode %v, want %v", name, files[name], mode)
		}
	}
	for name := range files {
		if strings.Contains(name, "_test.") || strings.Contains(name, "__pycache__") {
			t.Errorf("%s is installed", name)
		}
		// nfpm takes /usr as it is, and has to be told of all else.
		if !strings.HasPrefix(name, "/usr/") && !strings.Contains(read(t, "nfpm.yaml"), "dst: "+name+"\n    type: config") {
			t.Errorf("%s is not a configuration file of nfpm.yaml", name)
		}
	}
}

// TestNeedrestart: the snippet is Perl, and spares the pools that run.
func TestNeedrestart(t *testing.T) {
	perl := testutil.Program(t, "perl")
	run := t.TempDir()
	if err := os.MkdirAll(filepath.Join(run, "my.web", "control"), 0o700); err != nil {
		t.Fatal(err)
	}
	snippet := strings.ReplaceAll(read(t, "needrestart.conf"), "/run/availd", run)
	out, err := exec.Command(perl, "-we", "use strict; my %nrconf; eval $ARGV[0] or die $@; print map {qq($_\n)} keys %{$nrconf{override_rc}};", snippet).CombinedOutput()
	if got, want := string(out), "(?^:^my\\.web\\.service$)\n"; err != nil || got != want {
		t.Errorf("units that are not restarted: %q (%v), want %q", got, err, want)
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
