package daemon

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/state"
)

// TestTrialEnviron: a trial does not speak to the service manager.
func TestTrialEnviron(t *testing.T) {
	got := trialEnviron([]string{"A=1", "NOTIFY_SOCKET=/run/systemd/notify", "WATCHDOG_USEC=5", "WATCHDOG_PID=1", "LISTEN_FDS=1"})
	if !slices.Equal(got, []string{"A=1", "LISTEN_FDS=1"}) {
		t.Errorf("%q", got)
	}
}

// TestTryBinary: what is no availd is refused, in words that name it.
func TestTryBinary(t *testing.T) {
	for name, c := range map[string]struct {
		text, says string
		mode       os.FileMode
	}{
		"says nothing":      {"#!/bin/sh\n", "does not say that it understands the state", 0o755},
		"fails":             {"#!/bin/sh\necho no such luck >&2\nexit 3\n", "exit status 3: no such luck", 0o755},
		"says too much":     {"#!/bin/sh\nhead -c 1000000 /dev/zero; echo '" + trialPassed + "'\n", "does not say that it understands the state", 0o755},
		"is not executable": {"#!/bin/sh\n", "permission denied", 0o644},
		"is no program":     {"\x7fELF", "exec format error", 0o755},
		"is availd":         {"#!/bin/sh\ntest \"$AVAILD_TRIAL\" = 3 && test -e /proc/self/fd/3 && echo '" + trialPassed + "'\n", "", 0o755},
	} {
		path := filepath.Join(t.TempDir(), "availd")
		if err := os.WriteFile(path, []byte(c.text), c.mode); err != nil {
			t.Fatal(err)
		}
		copied, err := os.Open(os.DevNull)
		if err != nil {
			t.Fatal(err)
		}
		err = tryBinary(path, copied)
		_ = copied.Close()
		switch {
		case c.says == "" && err != nil:
			t.Errorf("one that %s: %v", name, err)
		case c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), path)):
			t.Errorf("one that %s: %v, want the path and %q", name, err, c.says)
		}
	}
}

// TestExecuteFails: an exec that fails leaves all as it was, the limit of
// descriptors too, and a later one still gives the next image the first limit.
func TestExecuteFails(t *testing.T) {
	f, err := state.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var before, after unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	d := &daemon{state: f, cfg: config.Default(), log: slog.New(slog.DiscardHandler), flush: func() {}}
	d.options.Executable = filepath.Join(t.TempDir(), "gone")
	d.options.Descriptors = unix.Rlimit{Cur: min(before.Cur, 64), Max: before.Max}
	for range 2 {
		if err := d.execute(nil, nil, nil); !errors.Is(err, unix.ENOENT) {
			t.Fatal(err)
		}
		if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &after); err != nil || after != before {
			t.Errorf("the limit is %v, %v; it was %v", after, err, before)
		}
	}
	if flags, err := unix.FcntlInt(uintptr(f.FD()), unix.F_GETFD, 0); err != nil || flags&unix.FD_CLOEXEC == 0 {
		t.Errorf("workers would get the state: %d, %v", flags, err)
	}
}

// TestOneLine: what a program printed is one short printable line of the log.
func TestOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"\n first \nsecond": "first",
		"bad \xff byte":     "bad ? byte",
		"\x1b[2J\tcleared":  "?[2J?cleared",
		"":                  "",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
	if n := len(oneLine(strings.Repeat("x", 1000))); n != 200 {
		t.Errorf("%d bytes", n)
	}
}
