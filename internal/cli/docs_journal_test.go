package cli

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestTroubleshooting: the page quotes messages as availd(8) has them, which
// another test compares with the source.
func TestTroubleshooting(t *testing.T) {
	t.Chdir(root)
	read := func(name string) string {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	manual, page := read("man/availd.8"), read("docs/troubleshooting.md")
	page, _, _ = strings.Cut(page, "\n## Messages of systemd")
	quoted := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(page, -1)
	if len(quoted) < 10 {
		t.Fatalf("only %d messages are found in the page", len(quoted))
	}
	for _, m := range quoted {
		if !strings.Contains(manual, ".It \""+m[1]+"\"\n") {
			t.Errorf("the page quotes %q, which availd(8) does not", m[1])
		}
	}
}
