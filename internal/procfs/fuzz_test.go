package procfs

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// FuzzProcess reads what /proc says of a process whose name, which it chooses itself,
// begins with what the fuzzer gives: no name changes the facts that follow it. The text
// alone, whatever it is, ends no reader.
func FuzzProcess(base *testing.F) {
	f := testutil.Fuzz(base)
	const rest = " S 7 8 9 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 10 11\n"
	f.Add([]byte("1 (web)" + rest))
	f.Add([]byte(") R 1 1 1 (\n(x) (" + rest))
	f.Add([]byte("Pid:\t-1\nState:\tT (stopped)\nSigCgt:\tffffffffffffffff\nCoreDumping:\t1\n"))
	f.Add([]byte("100 99999999999999999999 3"))
	f.Add([]byte("100 -5 9223372036854775807"))
	f.Add([]byte("x) 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 -20"))
	f.Fuzz(func(t *testing.T, text []byte) {
		_, _, _ = parseStat(text, unix.SIGCONT)
		_ = statFields(text)
		if m, ok := parseMemory(text); ok && m.Proportional < 0 {
			t.Fatalf("a process has %+v", m)
		}
		_ = parsePid(text)
		s := statusText(text)
		for sig := unix.Signal(1); sig <= 64; sig++ {
			_ = has(s.value("SigCgt"), sig)
		}
		name := text[:min(len(text), 64)]
		whole := append(append([]byte("12 ("), name...), (")" + rest)...)
		want := Stat{Parent: 7, Group: 8, Session: 9, Start: 4711}
		if got, _, ok := parseStat(whole, 0); !ok || got != want {
			t.Fatalf("of %q: %+v, %t", whole, got, ok)
		}
		// The kernel escapes line ends in the name (Name: of proc_pid_status(5)).
		line := strings.Map(func(r rune) rune {
			if r == '\n' {
				return ' '
			}
			return r
		}, string(name))
		if got := statusText("Name:\t" + line + "\nState:\tT (stopped)\n").value("State"); got != "T (stopped)" {
			t.Fatalf("of the name %q: %q", line, got)
		}
		if pid := parsePid(append([]byte("pos:\t0\nPid:\t"+strconv.Itoa(len(text))+"\n"), bytes.ReplaceAll(text, []byte("\n"), nil)...)); pid != len(text) {
			t.Fatalf("pid %d, want %d", pid, len(text))
		}
	})
}
