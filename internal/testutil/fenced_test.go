package testutil

import (
	"slices"
	"testing"
)

const fencedPage = "# A\n\n```sh\none\n```\n\n## B\n\n1. In a list.\n\n   ```sh\n   two \\\n       more\n   ```\n\n" +
	"```ini\n```sh\n```\n\n## C\n\n```\nplain\n```\n"

func TestFenced(t *testing.T) {
	for language, want := range map[string][]string{
		"sh": {"one\n", "two \\\n    more\n"}, "ini": {"```sh\n"}, "": {"plain\n"}, "go": nil,
	} {
		if got := Fenced(fencedPage, language); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", language, got, want)
		}
	}
	if got, want := Fenced(Section(fencedPage, "B"), "sh"), []string{"two \\\n    more\n"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := Section(fencedPage, "D"); got != "" {
		t.Errorf("there is no D, and it is %q", got)
	}
}
