//go:build e2e

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// Programs of the benchmarks.
const (
	httpC    = harness.Workers + "/http-c"
	httpCB   = harness.Workers + "/http-c-board"
	prefork  = harness.Bench + "/prefork"
	late     = harness.Bench + "/late"
	hello    = harness.Bench + "/hello"
	stamp    = harness.Bench + "/stamp"
	start    = harness.Bench + "/spawned"
	chatter  = harness.Bench + "/chatter"
	loader   = harness.Bench + "/load"
	opener   = harness.Bench + "/open"
	burn     = harness.Bench + "/burn"
	crasher  = harness.Bench + "/crash"
	nap      = harness.Bench + "/nap"
	postfixd = harness.Bench + "/postfixd"
)

func TestMain(m *testing.M) {
	if os.Getenv(harness.EnvGuest) != "1" {
		fmt.Println("left out: runs inside the machine that make bench boots")
		os.Exit(0)
	}
	if _, err := os.Stat("/run/systemd/container"); err != nil {
		fmt.Fprintln(os.Stderr, "bench: this is no machine of e2e:", err)
		os.Exit(1)
	}
	describe()
	os.Exit(m.Run())
}

// describe says where and with what the figures come about.
func describe() {
	kernel, _ := harness.Run("uname", "-sr")
	packages, _ := harness.Run("dpkg-query", "-W", "-f", "${Package} ${Version}, ",
		"systemd", "postfix", "php8.2-fpm", "php8.2-cgi", "gunicorn", "xinetd", "ucspi-tcp", "ipsvd")
	fmt.Printf("%s, %s, %s, %s of memory\n%s\n", time.Now().UTC().Format(time.DateOnly), kernel,
		processors(), memory(), strings.TrimSuffix(packages, ", "))
}

func processors() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	model, n := "", 0
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			n++
		}
	}
	return fmt.Sprintf("%d × %s", n, model)
}

func memory() string {
	text, _ := os.ReadFile("/proc/meminfo")
	var kb int
	_, _ = fmt.Sscanf(string(text), "MemTotal: %d kB", &kb)
	return fmt.Sprintf("%.1f GB", float64(kb)/1e6)
}

// table begins the output of a benchmark.
func table(t *testing.T, title string) *rig.Table {
	table := rig.NewTable(os.Stdout, title)
	t.Cleanup(func() {
		if short := table.Short(); len(short) > 0 {
			fmt.Printf("\nshort: %s\n", strings.Join(short, "; "))
		}
	})
	return table
}

// scratch is a directory for a benchmark, for programs of every user.
func scratch(t *testing.T) string {
	dir, err := os.MkdirTemp("/run", "bench-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// write makes a file of a benchmark and returns its path.
func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
