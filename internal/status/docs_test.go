package status

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestStatesPage: docs/reference/states.md explains every condition that is shown.
func TestStatesPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/states.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("condition.go")
	if err != nil {
		t.Fatal(err)
	}
	words := regexp.MustCompile(`condition\{(?:word: )?"([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(words) < 8 {
		t.Fatalf("only the conditions %q are found", words)
	}
	for _, w := range words {
		if !strings.Contains(string(page), "\n| `"+w[1]) {
			t.Errorf("the page does not explain %s", w[1])
		}
	}
}
