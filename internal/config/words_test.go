package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

func TestSplitWords(t *testing.T) {
	for line, want := range map[string][]string{
		"/bin/x":                       {"/bin/x"},
		"  /bin/x \t -v  ":             {"/bin/x", "-v"},
		`/bin/x 'a b' "c d" e\ f`:      {"/bin/x", "a b", "c d", "e f"},
		`/bin/x a'b'"c"d`:              {"/bin/x", "abcd"},
		`/bin/x '' ""`:                 {"/bin/x", "", ""},
		`/bin/x 'a\b' "a\b" "a\"\\\$"`: {"/bin/x", `a\b`, `a\b`, `a"\$`},
		`/bin/x $HOME %i *.py ~ {stress} stress={stress}`: {"/bin/x", "$HOME", "%i", "*.py", "~", "{stress}", "stress={stress}"},
		`/bin/x a#b '#' \#`: {"/bin/x", "a#b", "#", "#"},
		`/bin/x a;b | c`:    {"/bin/x", "a;b", "|", "c"},
		`/bin/x é`:          {"/bin/x", "é"},
	} {
		got, err := splitWords(line)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
		if again, err := splitWords(joinWords(got)); err != nil || !slices.Equal(again, want) {
			t.Errorf("%s: joined and taken apart again it is %q (%v)", line, again, err)
		}
	}
	for line, want := range map[string]string{
		"": "empty", "  ": "empty", "''": "empty", `'' x`: "empty", `/bin/x 'a`: "is not closed", `/bin/x "a\"`: "is not closed",
		`/bin/x \`: "at the end", "/bin/x # why": "a line of its own", "# x": "a line of its own",
	} {
		if got, err := splitWords(line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %q, %v; want %q", line, got, err, want)
		}
	}
}

func FuzzSplitWords(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add(`/bin/x 'a b' "c\"d" e\ f`)
	f.Add(`a '\`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err != nil {
			return
		}
		if again, err := splitWords(joinWords(words)); err != nil || !slices.Equal(again, words) {
			t.Errorf("%q is %q, and then %q (%v)", line, words, again, err)
		}
	})
}
