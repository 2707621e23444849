package prose

import (
	"slices"
	"testing"
)

func TestCut(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want string
	}{
		{"web", 3, "web"}, {"webs", 3, "we…"}, {"äöüß", 4, "äöüß"}, {"äöüß", 3, "äö…"}, {"web", 1, "…"}, {"web", 0, ""}, {"", 0, ""},
	} {
		if got := Cut(c.text, c.most); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"web, äöü …": "web, äöü …", "\x1b[2Jweb": "?[2Jweb", "a\nb\r\tc": "a?b??c", "\u009bm \x7f": "?m ?", "\xff\ufffd": "??",
	} {
		if got := Printable(text); got != want {
			t.Errorf("Printable(%q) = %q, want %q", text, got, want)
		}
	}
	if got, want := PrintableLines("a\x1bb\n\r\n"), "a?b\n?\n"; got != want {
		t.Errorf("PrintableLines: %q, want %q", got, want)
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		text string
		most int
		want []string
	}{
		{"", 5, []string{""}},
		{"one two", 7, []string{"one two"}},
		{"one two", 6, []string{"one", "two"}},
		{"a word-that-is-longer b", 6, []string{"a", "word-that-is-longer", "b"}},
		{"one\u00a0= two", 6, []string{"one\u00a0=", "two"}},
		{"one two", 0, []string{"one two"}},
	} {
		if got := Fold(c.text, c.most); !slices.Equal(got, c.want) {
			t.Errorf("Fold(%q, %d) = %q, want %q", c.text, c.most, got, c.want)
		}
	}
}
