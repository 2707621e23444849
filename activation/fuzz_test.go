package activation

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/availd/availd/internal/testutil"
)

// FuzzTable reads any LISTEN_ variables: what comes of them is a table with a name for
// each descriptor that can be shown and passed on, or one line that says what is wrong.
func FuzzTable(base *testing.F) {
	f := testutil.Fuzz(base)
	pid := strconv.Itoa(os.Getpid())
	f.Add("", "1", "web")
	f.Add("", "3", "web@[::1]:80.socket:availd.w.7:availd.state")
	f.Add("", "0", "")
	f.Add("", "+1", "\xff")
	f.Add("", "1", "web@[::1]:\x180.socket")
	f.Add("1", "1048577", ":::::")
	f.Add("", "2", "a\x1b[2J:"+strings.Repeat("n", 256))
	f.Fuzz(func(t *testing.T, who, count, value string) {
		if strings.ContainsRune(who+count+value, 0) {
			return // no variable has it
		}
		if who == "" {
			who = pid
		}
		variables := map[string]string{"LISTEN_PID": who, "LISTEN_FDS": count, "LISTEN_FDNAMES": value}
		environment := func(name string) (string, bool) {
			text, set := variables[name]
			return text, set
		}
		if n, err := strconv.Atoi(count); err == nil && n > 10_000 && n <= maxFDs {
			return // allowed, and slow
		}
		table, complaint, ok, err := readTable(environment)
		switch {
		case err != nil:
			printableLine(t, err.Error())
			return
		case !ok || len(table) == 0 || strconv.Itoa(len(table)) != strings.TrimLeft(count, "0"):
			t.Fatalf("%d names of %q, %t", len(table), count, ok)
		}
		for _, name := range table {
			if !usable(name) || name == "" || strings.Contains(name, ":") {
				t.Fatalf("the name %q", name)
			}
		}
		printableLine(t, complaint)
	})
}

// FuzzHandedOver takes any list of descriptors apart: each is there, is none of the
// standard ones, and has one owner.
func FuzzHandedOver(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add("1:7:web:8:availd.state")
	f.Add("1:7:web:7:web")
	f.Add("1:0:web")
	f.Add("1:7")
	f.Add("1:-7:x:99999999999999999999:y")
	f.Add("1::::")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[int]bool{}
		list, err := parseList(text, func(fd int) bool { return fd < 100 })
		for _, s := range list {
			if s.FD < 3 || s.FD >= 100 || seen[s.FD] || strings.Contains(s.Name, ":") {
				t.Fatalf("%q gives %+v", text, list)
			}
			seen[s.FD] = true
		}
		if err != nil {
			printableLine(t, err.Error())
		} else if again := strings.Count(text, ":"); again != 2*len(list) {
			t.Fatalf("%q gives %+v", text, list)
		}
	})
}

func printableLine(t *testing.T, text string) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		t.Fatalf("%q is not a line of text", text)
	}
	if len(text) > 20_000 {
		t.Fatalf("%d bytes", len(text))
	}
}
