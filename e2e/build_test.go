//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/availd/availd/e2e/machine"
)

const (
	moduleRoot  = ".." // a test runs in the folder of its package
	guestBinary = "guest.test"
	benchBinary = "bench.test"
)

// What the machines get at harness.Dir. Sources are packages
// and files of the module. All of it is static, as the machines have other
// libraries than the host. One whose sources are not there is left out.
var (
	goPrograms = []artifact{
		{source: ".", output: "availd", version: "0.0.1"},
		{source: ".", output: "availd-next", version: "0.0.2"}, // for upgrades
		{source: "examples/http-go", output: "workers/http-go"},
	}
	cPrograms = []artifact{
		{source: "examples/http-c/*.c", output: "workers/http-c"},
		{source: "examples/http-c-board/*.c", output: "workers/http-c-board"},
		{source: "e2e/bench/programs/load.c", output: "bench/load"},
		{source: "e2e/bench/programs/open.c", output: "bench/open"},
		{source: "e2e/bench/programs/burn.c", output: "bench/burn"},
		{source: "e2e/bench/programs/crash.c", output: "bench/crash"},
		{source: "e2e/bench/programs/nap.c", output: "bench/nap", bare: true},
		{source: "e2e/bench/programs/prefork.c", output: "bench/prefork"},
		{source: "e2e/bench/programs/late.c", output: "bench/late"},
		{source: "e2e/bench/programs/hello.c", output: "bench/hello", bare: true},
		{source: "e2e/bench/programs/stamp.c", output: "bench/stamp", bare: true},
		{source: "e2e/bench/programs/spawned.c", output: "bench/spawned"},
		{source: "e2e/bench/programs/chatter.c", output: "bench/chatter"},
		{source: "e2e/bench/programs/postfixd.c", output: "bench/postfixd"},
	}
	guests = []artifact{
		{source: "e2e/guest", output: guestBinary},
		{source: "e2e/bench", output: benchBinary},
	}
)

// artifact is a program; version is what a Go program's main.version says, and a
// bare one is in C, but has no C library.
type artifact struct {
	source, output, version string
	bare                    bool
}

// artifacts builds everything, once for all machines, and returns the
// directory, which removeArtifacts removes.
var artifacts = sync.OnceValues(func() (dir string, err error) {
	if dir, err = machine.TempDir(); err != nil {
		return "", err
	}
	artifactsDir = dir
	// Services of other users look into it; and the places to mount on exist.
	for _, d := range []string{dir, filepath.Join(dir, "workers"), filepath.Join(dir, "bench"), filepath.Join(dir, "examples")} {
		if err := errors.Join(os.MkdirAll(d, 0o755), os.Chmod(d, 0o755)); err != nil {
			return "", err
		}
	}
	for _, a := range goPrograms {
		err = errors.Join(err, a.goBuild(dir))
	}
	for _, a := range cPrograms {
		err = errors.Join(err, a.cc(dir))
	}
	err = errors.Join(err, run("preload/build", filepath.Join(dir, "availd-preload.so")))
	err = errors.Join(err, run("install", "-m", "644", "packaging/availd.catalog", "packaging/availd.rules.yml", "packaging/grafana.json", dir))
	for _, a := range guests {
		err = errors.Join(err, run("go", "test", "-c", "-tags=e2e", "-trimpath", "-o", filepath.Join(dir, a.output), "./"+a.source))
	}
	return dir, err
})

var artifactsDir string

// removeArtifacts removes what was built, which may be nothing.
func removeArtifacts() (err error) {
	for _, dir := range []string{artifactsDir, packagesDir} {
		if dir != "" {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}

func (a artifact) goBuild(dir string) error {
	if files, _ := filepath.Glob(filepath.Join(moduleRoot, a.source, "*.go")); files == nil {
		return nil
	}
	return run("go", "build", "-trimpath", "-ldflags", "-X main.version="+a.version, "-o", filepath.Join(dir, a.output), "./"+a.source)
}

func (a artifact) cc(dir string) error {
	files, _ := filepath.Glob(filepath.Join(moduleRoot, a.source))
	if files == nil {
		return nil
	}
	args := []string{"-O2", "-static", "-o", filepath.Join(dir, a.output)}
	if a.bare {
		args = append(args, "-nostdlib")
	}
	for _, name := range files {
		name, err := filepath.Rel(moduleRoot, name)
		if err != nil {
			return err
		}
		args = append(args, name)
	}
	if !a.bare {
		args = append(args, "-lm")
	}
	return run("cc", args...)
}

// run runs a build tool in the module's root.
func run(name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Dir = moduleRoot
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("build %s: %s is not installed: %w", args[len(args)-1], name, err)
	}
	if err != nil {
		return fmt.Errorf("run %s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
