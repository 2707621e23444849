package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/availd/availd/internal/testutil"
)

// writeFile returns the name of a new file.
func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "web.conf")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFile(t *testing.T) {
	name := writeFile(t, "\ufeff# the pool\r\n"+
		"limit=5\r\n"+
		"\t; also a comment\n"+
		"\n"+
		"  idle-timeout \t=  1min 30s \t\n"+
		"retire-signal=RTMIN+3\n"+
		"limit = 7\n"+
		"listen=:80\nlisten=@a=b\n"+
		"control=/run/a#b") // no line end
	c, err := load("config=" + name)
	if err != nil {
		t.Fatal(err)
	}
	if c.File != name || c.Limit != 7 || c.IdleTimeout != 90*time.Second || c.RetireSignal != "RTMIN+3" ||
		strings.Join(c.Listen, " ") != ":80 @a=b" || c.Control != "/run/a#b" || c.StopTimeout != 30*time.Second {
		t.Errorf("got %+v", c)
	}
}

func TestFileRefuses(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"limit=5\nlimit=abc\n", ":2: limit=abc: not a decimal number; accepted: a decimal number from 1 to 1000000, or unlimited (0)"},
		{"limit=5 # five", `:1: limit=5 # five: a comment needs a line of its own`},
		{"control=/a\t#b", `:1: control="/a\t#b": a comment needs a line of its own`},
		{"limit=", ":1: limit=: empty, leave the option out for its default; accepted: a decimal number from 1 to 1000000, or unlimited (0)"},
		{"\n\nlimit\n", ":3: limit=: no value; accepted: a decimal number from 1 to 1000000, or unlimited (0)"},
		{"=5", ":1: no option before the ="},
		{"#\nlimt=5", ":2: limt: unknown option, did you mean limit?"},
		{"Idle_Timeout=5", ":1: Idle_Timeout: unknown option, did you mean idle-timeout?"},
		{"colour=red", ":1: colour: unknown option"},
		{"--limit=5", ":1: --limit: options stand here without dashes, write limit"},
		{"config=/etc/x", ":1: config: only possible on the command line"},
		{"[Service]\nlimit=5", ":1: [Service]: this file has no sections, leave the line out"},
		{"limit=1\nname=a\x00b\n", ":2: NUL byte, this is not a text file"},
		{"limit=1\n# caf\xe9\n", ":2: not UTF-8"},
		{"name=a\rb", `:1: name="a\rb": control character; accepted: ` + acceptsName},
		{"name=\"web\"", `:1: name="web": not a name; accepted: ` + acceptsName},
		{"limit=1\nmin-spare=2", ":2: min-spare=2: more than --limit=1 allows"},
		{"retire-signal=9", ":1: retire-signal=9: KILL lets no worker finish its job; --retire-timeout kills those that do not leave; accepted: " + acceptsSignal},
	} {
		name := writeFile(t, tt.text)
		c, err := load("config=" + name)
		var e *Error
		if !errors.As(err, &e) || !e.IsFile() || e.File != name || err.Error() != name+tt.want {
			t.Errorf("%q: got error\n%v, want\n%s%s", tt.text, err, name, tt.want)
		}
		if c.Limit != 0 || c.Command != nil {
			t.Errorf("%q: a configuration came with the error: %+v", tt.text, c)
		}
	}
}

func TestFileUnreadable(t *testing.T) {
	dir := t.TempDir()
	fifo, loop := filepath.Join(dir, "fifo"), filepath.Join(dir, "loop")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]struct {
		err  error
		text string
	}{
		filepath.Join(dir, "missing"): {fs.ErrNotExist, "no such file or directory"},
		loop:                          {syscall.ELOOP, "too many levels of symbolic links"},
		dir:                           {syscall.EISDIR, "is a directory"},
		fifo:                          {errNotRegular, "not a regular file"},
		"/dev/null":                   {errNotRegular, "not a regular file"},
		writeFile(t, strings.Repeat("#", fileMax+1)): {errFileSize, "larger than 1048576 bytes"},
	} {
		_, err := load("config=" + name)
		var e *Error
		if !errors.As(err, &e) || !e.IsFile() || !errors.Is(err, want.err) ||
			err.Error() != name+": read configuration: "+want.text {
			t.Errorf("%s: got %v, want %s", name, err, want.text)
		}
	}
	// To root nothing is denied.
	if got, want := forUser(syscall.EACCES).Error(), fmt.Sprintf("permission denied for user %d", os.Geteuid()); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if _, err := load("config=" + writeFile(t, strings.Repeat("#", fileMax))); err != nil {
		t.Errorf("the largest file: %v", err)
	}
}

// An error is one bounded line of printable text, whatever the file holds.
func TestErrorIsPrintable(t *testing.T) {
	e := &Error{Option: "name", Value: "\x1b[31m" + strings.Repeat("x", 5000), Reason: "not a name", Want: acceptsName}
	if text := e.Error(); len(text) > 300 || strings.ContainsRune(text, 0x1b) {
		t.Errorf("got %q", text)
	}
}

// The end of a long path is what an error shows of it: the file has to be found.
func TestErrorNamesTheFile(t *testing.T) {
	name := strings.Repeat("/a-long-directory", 9) + "/web.conf"
	e := &Error{File: name, Line: 3, Option: "limt", Reason: "unknown option"}
	got := e.Error()
	if end := "-directory/web.conf:3: limt: unknown option"; !strings.HasPrefix(got, "...") || !strings.HasSuffix(got, end) || len(got) > 200 {
		t.Errorf("got %q, want it to end with %q", got, end)
	}
}

func FuzzFile(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add([]byte("limit=5\n# x\n idle-timeout = 1min 30s\r\n"))
	f.Add([]byte("\ufefflisten=[::1]:80\nlisten=@x\nretire-signal=RTMAX-3\n"))
	f.Add([]byte("--limit=5"))
	f.Add([]byte("max-starting=auto\nthrottle-max=.5s\nname=a\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, from := Default(), origins{}
		entries, err := parseFile("f", data)
		if err == nil {
			err = apply(&c, entries, from)
		}
		if err == nil {
			err = check(c, from)
		}
		if err != nil {
			checkFault(t, err)
			return
		}
		for i := range table { // what is shown is accepted again
			k := table[i].kind
			value := k.show(&c)
			if value == "" || table[i].Repeatable {
				continue
			}
			again := c
			if err := k.set(&again, value); err != nil || k.show(&again) != value {
				t.Fatalf("%s: %q is not read back: %v", table[i].Name, value, err)
			}
		}
	})
}

// checkFault checks an error of the file "f".
func checkFault(t *testing.T, err error) {
	var e *Error
	if !errors.As(err, &e) || e.File != "f" || e.Line < 1 {
		t.Fatalf("%#v has no place", err)
	}
	text := err.Error()
	if len(text) > 4000 || !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		t.Fatalf("%q is not a line of text", text)
	}
}
