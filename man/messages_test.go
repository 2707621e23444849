package man

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	diagItem    = regexp.MustCompile(`(?m)^\.It "(.*)"$`)
	kindOfItem  = regexp.MustCompile(`(?m)^\(([a-z_]+)\) `)
	placeholder = regexp.MustCompile(`[A-Z]{1,}`)
	verb        = regexp.MustCompile(`%[a-z]`)
)

// speakers are the packages whose messages reach the journal.
var speakers = []string{"../*.go", "../internal/loop/*.go", "../internal/logs/*.go", "../internal/daemon/*.go", "../policy/*.go"}

// spoken returns the source that messages come from, and what is said in it by
// way of the loop's say or of the daemon's log, one format for each call.
func spoken(t *testing.T) (all string, formats []string) {
	t.Helper()
	var b strings.Builder
	for _, p := range speakers {
		files, _ := filepath.Glob(p) // the patterns are good
		for _, f := range files {
			if strings.HasSuffix(f, "_test.go") {
				continue
			}
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			b.Write(data)
		}
	}
	for _, f := range source(t, "../internal/loop/*.go", "../internal/daemon/*.go") {
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if said := message(call); said != nil {
					formats = append(formats, longestText(said))
				}
			}
			return true
		})
	}
	return b.String(), formats
}

// message is the argument of a call that is a message to the journal, or nil.
func message(call *ast.CallExpr) ast.Expr {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	switch sel.Sel.Name {
	case "say": // of the loop
		return call.Args[2]
	case "Info", "Warn", "Error": // of package log/slog; that of an error has no arguments
		if len(call.Args) > 0 {
			return call.Args[0]
		}
	}
	return nil
}

// longestText is the longest piece of fixed text in an expression, up to the
// advice that follows the first semicolon.
func longestText(e ast.Expr) string {
	longest := ""
	ast.Inspect(e, func(n ast.Node) bool {
		if x, ok := n.(ast.Expr); ok {
			if s, ok := text(x); ok {
				s, _, _ = strings.Cut(s, ";")
				for _, piece := range verb.Split(s, -1) {
					if len(piece) > len(longest) {
						longest = piece
					}
				}
			}
		}
		return true
	})
	return strings.Trim(longest, " :,()")
}

// TestMessagesExist: what the page quotes is in the source.
func TestMessagesExist(t *testing.T) {
	all, _ := spoken(t)
	items := diagItem.FindAllStringSubmatch(section(t, "availd.8", "DIAGNOSTICS"), -1)
	if len(items) < 20 {
		t.Fatalf("only %d messages are found in the page", len(items))
	}
	for _, m := range items {
		for _, piece := range placeholder.Split(m[1], -1) {
			if piece = strings.TrimSpace(piece); len(piece) >= 8 && !strings.Contains(all, piece) {
				t.Errorf("the page quotes %q, but nothing says %q", m[1], piece)
			}
		}
	}
}

// TestMessagesExplained: what the loop and the daemon say is in the page.
func TestMessagesExplained(t *testing.T) {
	page := section(t, "availd.8", "DIAGNOSTICS")
	_, formats := spoken(t)
	if len(formats) < 15 {
		t.Fatalf("only %d messages are found in the source", len(formats))
	}
	for _, f := range formats {
		if !strings.Contains(page, strings.TrimSpace(f)) {
			t.Errorf("availd says %q, of which the page says nothing", f)
		}
	}
}

var eventName = regexp.MustCompile(`event\w+\s+(?:event )?\s*= "([a-z_]+)"`)

// TestKinds compares the kinds of messages, which the line about those left out
// names.
func TestKinds(t *testing.T) {
	explained := map[string]bool{}
	for _, m := range kindOfItem.FindAllStringSubmatch(section(t, "availd.8", "DIAGNOSTICS"), -1) {
		explained[m[1]] = true
	}
	names := eventName.FindAllStringSubmatch(read(t, "../internal/loop/say.go"), -1)
	if len(names) < 10 {
		t.Fatalf("only the kinds %q are found in the source", names)
	}
	for _, m := range names {
		if !explained[m[1]] {
			t.Errorf("kind %s is not explained", m[1])
		}
		delete(explained, m[1])
	}
	for kind := range explained {
		t.Errorf("kind %s is in the page only", kind)
	}
}
