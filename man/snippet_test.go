package man

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// snippet is the display of the worker page that contains mark.
func snippet(t *testing.T, mark string) string {
	t.Helper()
	for _, block := range displays(t, "availd-worker.7") {
		if strings.Contains(block, mark) {
			return block
		}
	}
	t.Fatalf("no example contains %q", mark)
	return ""
}

func TestPythonWorker(t *testing.T) {
	python := testutil.Program(t, "python3")
	file := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(file, []byte(snippet(t, "import os, ")), 0o600); err != nil {
		t.Fatal(err)
	}
	play(t, python, file)
}

func TestCWorker(t *testing.T) {
	cc := testutil.Program(t, "cc")
	dir := t.TempDir()
	file, binary := filepath.Join(dir, "worker.c"), filepath.Join(dir, "worker")
	if err := os.WriteFile(file, []byte(snippet(t, "#include")), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(cc, "-Wall", "-Wextra", "-Werror", "-o", binary, file).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	play(t, binary)
}

// play is availd to one worker: two clients, then the retire signal.
func play(t *testing.T, command ...string) {
	s := testutil.Supervise(t, "", syscall.SOCK_NONBLOCK)
	p := s.Start(command...)
	s.Expect("READY=1")
	for range 2 {
		if got, want := visit(s), fmt.Sprintf("hello from %d\n", p.Pid); got != want {
			t.Errorf("the client got %q, want %q", got, want)
		}
		s.Expect("X_AVAILD=busy", "X_AVAILD=idle")
	}
	s.Retire(p)
	s.Exited(p)
}

func visit(s *testutil.Supervisor) string {
	s.T.Helper()
	c := s.Dial()
	defer func() { _ = c.Close() }()
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		s.T.Fatal(err)
	}
	return line
}
