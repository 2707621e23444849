package units

import (
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/availd/availd/internal/testutil"
)

func TestQuote(t *testing.T) {
	for word, want := range map[string]string{
		"/usr/bin/x": "/usr/bin/x", "stress={stress}": "stress={stress}", "--a=b,c:d@e": "--a=b,c:d@e",
		"": `""`, ";": `";"`, "a b": `"a b"`, `a"b`: `"a\"b"`, `a\b`: `"a\\b"`, "it's": `"it's"`,
		"$HOME": "$$HOME", "${HOME}": "$${HOME}", "100%": "100%%", "a\nb\tc": `"a\nb\tc"`, "\x1b": `"\x1b"`,
		"größer": `"größer"`, "#": `"#"`, "*": `"*"`,
	} {
		if got := quote(word); got != want {
			t.Errorf("%q becomes %s, want %s", word, got, want)
		}
	}
}

// FuzzQuote takes the line apart again by the rules of systemd.service(5).
func FuzzQuote(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add("a b", `\"$%`)
	f.Add("", ";\n\x7f$")
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) || strings.ContainsRune(a+b, 0) {
			return // refused by Generate
		}
		line := commandLine([]string{"/bin/x", a, b})
		if strings.ContainsAny(line, "\n\r") {
			t.Fatalf("%q is not one line", line)
		}
		got := split(t, line)
		if len(got) != 3 || got[0] != "/bin/x" || got[1] != a || got[2] != b {
			t.Errorf("%q comes back as %q", line, got)
		}
	})
}

// split is what systemd does to a command line, for what quote can produce:
// words, quotes and escapes, then specifiers, then variables.
func split(t *testing.T, line string) []string {
	var words []string
	for line != "" {
		var word string
		if line[0] == '"' {
			end := 1
			for line[end] != '"' {
				if line[end] == '\\' {
					end++
				}
				end++
			}
			var err error
			if word, err = strconv.Unquote(line[:end+1]); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			line = line[end+1:]
		} else {
			end := strings.IndexByte(line+" ", ' ')
			word, line = line[:end], line[end:]
			if strings.ContainsAny(word, "\"'\\;") {
				t.Fatalf("%s needs quotes", word)
			}
		}
		line = strings.TrimPrefix(line, " ")
		words = append(words, undouble(t, undouble(t, word, '%'), '$'))
	}
	return words
}

// undouble makes one of two, and fails on a lone one, which means something.
func undouble(t *testing.T, word string, c byte) string {
	var b strings.Builder
	for i := 0; i < len(word); i++ {
		if word[i] == c {
			i++
			if i == len(word) || word[i] != c {
				t.Fatalf("%q has a lone %c", word, c)
			}
		}
		b.WriteByte(word[i])
	}
	return b.String()
}
