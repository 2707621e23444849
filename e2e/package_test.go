//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/availd/availd/e2e/machine"
)

// The versions of the packages: the second is an upgrade of the first.
const (
	firstVersion = "0.1.0"
	nextVersion  = "0.2.0"
)

// packages makes a directory with the packages of both versions: dist of the
// first, again of the same sources elsewhere, and next of the second version.
var packages = sync.OnceValues(func() (dir string, err error) {
	if dir, err = machine.TempDir(); err != nil {
		return "", err
	}
	packagesDir = dir
	tree := filepath.Join(dir, "tree")
	examples := os.Mkdir(filepath.Join(dir, "examples"), 0o755) // a place to mount on
	if err := errors.Join(os.Chmod(dir, 0o755), examples, copySources(tree)); err != nil {
		return "", err
	}
	epoch := "SOURCE_DATE_EPOCH=1700000000"
	err = makeIn(moduleRoot, "umask 022", epoch, "dist", "VERSION="+firstVersion, "DIST="+filepath.Join(dir, "dist"))
	if err == nil { // without git, and by somebody with another umask
		err = makeIn(tree, "umask 077", epoch, "dist", "VERSION="+firstVersion, "DIST="+filepath.Join(dir, "again"))
	}
	if err == nil {
		err = makeIn(tree, "umask 022", epoch, "dist", "VERSION="+nextVersion, "DIST="+filepath.Join(dir, "next"), "ARCHS="+runtime.GOARCH)
	}
	return dir, err
})

var packagesDir string

// makeIn runs make in a directory after a shell command.
func makeIn(dir, before, env string, args ...string) error {
	cmd := exec.Command("/bin/sh", append([]string{"-c", before + ` && exec make -s "$@"`, "sh"}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// copySources copies the module without its repository and what was built in it.
func copySources(to string) error {
	return filepath.WalkDir(moduleRoot, func(path string, d fs.DirEntry, err error) error {
		name, _ := filepath.Rel(moduleRoot, path) // both are relative to the same
		switch {
		case err != nil:
			return err
		case slices.Contains([]string{".git", "bin", "dist"}, name):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o755)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		return errors.Join(err, os.WriteFile(filepath.Join(to, name), data, info.Mode()))
	})
}

func packaged(t *testing.T) string {
	t.Helper()
	possible(t, prepare())
	dir, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// rpmArch is what rpm calls this machine.
func rpmArch() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
}

func debOf(dir, version string) string {
	return filepath.Join(dir, fmt.Sprintf("availd_%s_%s.deb", version, runtime.GOARCH))
}

func rpmOf(dir string) string {
	return filepath.Join(dir, fmt.Sprintf("availd-%s-1.%s.rpm", firstVersion, rpmArch()))
}

// TestPackagesReproducible: the same sources give the same bytes, wherever and
// by whomever they are built, for both architectures.
func TestPackagesReproducible(t *testing.T) {
	t.Parallel()
	dir := packaged(t)
	made, err := os.ReadDir(filepath.Join(dir, "dist"))
	if err != nil || len(made) != 4 {
		t.Fatalf("there are %v (%v), want a deb and an rpm for two architectures", made, err)
	}
	for _, p := range made {
		one, err := os.ReadFile(filepath.Join(dir, "dist", p.Name()))
		two, err2 := os.ReadFile(filepath.Join(dir, "again", p.Name()))
		if err := errors.Join(err, err2); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s is built a second time with other bytes (%v)", p.Name(), err)
		}
	}
}

// TestPackagesLint: lintian has no error or warning, rpmlint no error.
func TestPackagesLint(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(packaged(t), "dist")
	out, err := exec.Command("lintian", "--allow-root", "--fail-on=error,warning", debOf(dir, firstVersion)).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("lintian: %v\n%s", err, out)
	}
	out, err = exec.Command("rpmlint", "-c", filepath.Join(moduleRoot, "packaging/rpmlint.toml"), rpmOf(dir)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), " 0 errors") {
		t.Errorf("rpmlint: %v\n%s", err, out)
	}
}

// contents are the files below a directory: a link is its target, a program its
// size, all else its text.
func contents(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, root)] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRpm installs the rpm into an empty root: it holds what the deb does.
func TestRpm(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(packaged(t), "dist")
	deb, rpm := t.TempDir(), t.TempDir()
	if out, err := exec.Command("dpkg-deb", "--extract", debOf(dir, firstVersion), deb).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// In an empty root no script can run and nothing that is wanted is there.
	install := exec.Command("rpm", "--root", rpm, "--dbpath", "/database", "--install", "--nodeps", "--noscripts", rpmOf(dir))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.RemoveAll(filepath.Join(rpm, "database")); err != nil {
		t.Fatal(err)
	}
	own := map[string]string{ // of one of them, and its counterpart in the other
		"/usr/share/zsh/vendor-completions/_availd": "/usr/share/zsh/site-functions/_availd",
		"/usr/share/doc/availd/changelog.gz":        "",
		"/usr/share/lintian/overrides/availd":       "",
	}
	got := contents(t, rpm)
	delete(got, "/usr/share/licenses/availd/LICENSE")
	for name, text := range contents(t, deb) {
		counterpart, special := own[name]
		if !special {
			counterpart = name
		}
		if counterpart != "" && got[counterpart] != text {
			t.Errorf("%s of the deb is not in the rpm as %s", name, counterpart)
		}
		delete(got, counterpart)
	}
	for name := range got {
		t.Errorf("%s is only in the rpm", name)
	}
}

// TestMakeInstall builds and installs as a distribution does: from sources
// without git, and a static binary is the result.
func TestMakeInstall(t *testing.T) {
	t.Parallel()
	tree, root := filepath.Join(packaged(t), "tree"), t.TempDir()
	if err := makeIn(tree, "umask 022", "", "install", "DESTDIR="+root, "PREFIX=/usr", "VERSION=9.8.7"); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(root, "usr/bin/availd")
	out, err := exec.Command(binary, "version").Output()
	if err != nil || !strings.HasPrefix(string(out), "availd 9.8.7 (") {
		t.Errorf("the version is %q (%v)", out, err)
	}
	program, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary is not static")
		}
	}
}

// TestPackage is the life of the deb on a clean machine, of both releases.
func TestPackage(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			packageLife(t, system{name: "package-" + suite, recipe: machine.Base(suite)})
		})
	}
}

// shell runs a script in the machine and returns what it says; an error is the
// end of the test.
func shell(ctx context.Context, t *testing.T, m *machine.Machine, script string) string {
	t.Helper()
	out, err := m.Command(ctx, "bash", "-ec", script).CombinedOutput()
	if err != nil {
		t.Log(inspect(m))
		t.Fatalf("run: %s\n%v\n%s", script, err, out)
	}
	return strings.TrimSpace(string(out))
}
