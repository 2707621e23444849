package cli

//go:generate go test -run TestManualForWeb -update

import (
	"flag"
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

var updateManual = flag.Bool("update", false, "write docs/man anew")

// forWeb is where the pages are as Markdown, which a web forge shows.
const forWeb = "docs/man"

// TestManualForWeb: docs/man has every page, as mandoc(1) makes it of the source.
func TestManualForWeb(t *testing.T) {
	t.Chdir(root)
	mandoc := testutil.Program(t, "mandoc")
	pages, made := manualPages(), map[string]string{}
	for _, page := range pages {
		out, err := exec.Command(mandoc, "-I", "os=availd", "-T", "markdown", "man/"+page).Output()
		if err != nil {
			t.Fatal(err)
		}
		made[page+".md"] = "<!-- Made from man/" + page + " by go generate. -->\n\n" + forForge(t, pages, page, string(out))
	}
	there, _ := filepath.Glob(filepath.Join(forWeb, "*.md")) // the pattern is good
	for _, file := range there {
		if made[filepath.Base(file)] != "" {
			continue
		}
		if t.Errorf("%s is of no page", file); *updateManual {
			t.Log(os.Remove(file))
		}
	}
	for name, want := range made {
		file := filepath.Join(forWeb, name)
		if *updateManual {
			if err := os.MkdirAll(forWeb, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not as mandoc makes it (%v): run go generate ./internal/cli", file, err)
		}
	}
}

// manualPages are the names of the manual pages, from the root.
func manualPages() (names []string) {
	files, _ := filepath.Glob("man/*.[1-8]") // the pattern is good
	for _, file := range files {
		names = append(names, filepath.Base(file))
	}
	return names
}

var (
	tabs       = regexp.MustCompile(`^((?:> )*)\t`)
	codeSpan   = regexp.MustCompile("'?`([^`\n]*)`'?")
	ownPage    = regexp.MustCompile(`\b(availd[a-z.-]*)\(([1-8])\)`)
	pageFooter = regexp.MustCompile(`\n\navaild - [^\n]*\n$`)
	diagHead   = regexp.MustCompile(`(?m)^\.It "(.*)"$`)
	backslash  = regexp.MustCompile(`\\([^A-Za-z0-9])`)
)

// forForge turns what mandoc makes into what forges show well: lists are indented by
// quotation marks only, messages are bold, examples are fenced, code has no escapes, which CommonMark does not
// undo there, and pages refer to each other by links.
func forForge(t *testing.T, pages []string, page, text string) string {
	t.Helper()
	source, err := os.ReadFile("man/" + page)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(pageFooter.ReplaceAllString(text, "\n"), "\n")
	for _, block := range literals(string(source)) {
		at := 0
		for at < len(lines) && !isQuoted(lines[at:], block) {
			at++
		}
		if at == len(lines) {
			t.Fatalf("%s: mandoc has lost the display\n%s", page, strings.Join(block, "\n"))
		}
		by := quotation.FindString(lines[at])
		depth := strings.Repeat("> ", strings.Count(by, "\t")+strings.Count(by, ">")-1)
		fenced := []string{depth + "```"}
		for _, line := range block {
			fenced = append(fenced, strings.TrimRight(depth+line, " "))
		}
		lines = slices.Replace(lines, at, at+len(block), append(fenced, depth+"```")...)
	}
	heads := map[string]bool{}
	for _, m := range diagHead.FindAllStringSubmatch(string(source), -1) {
		heads[testutil.Roff(m[1])] = true
	}
	inFence := false
	for i, line := range lines {
		if strings.HasSuffix(line, "```") {
			inFence = !inFence
			continue
		}
		if inFence {
			continue
		}
		if heads[unescape(line)] {
			lines[i] = "**" + line + "**\\"
			continue
		}
		for tabs.MatchString(line) {
			line = tabs.ReplaceAllString(line, "$1> ")
		}
		line = codeSpan.ReplaceAllStringFunc(line, func(span string) string {
			return "`" + unescape(codeSpan.FindStringSubmatch(span)[1]) + "`"
		})
		lines[i] = ownPage.ReplaceAllStringFunc(line, func(reference string) string {
			m := ownPage.FindStringSubmatch(reference)
			if name := m[1] + "." + m[2]; slices.Contains(pages, name) && name != page {
				return "[" + reference + "](" + name + ".md)"
			}
			return reference
		})
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n") + "\n"
}

// literals are the displays of a page that are to be shown as they are, by lines.
func literals(source string) (blocks [][]string) {
	for _, part := range strings.Split(source, ".Bd -literal -offset indent\n")[1:] {
		block, _, _ := strings.Cut(part, ".Ed\n")
		blocks = append(blocks, strings.Split(strings.TrimSuffix(testutil.Roff(block), "\n"), "\n"))
	}
	return blocks
}

// quotation is how mandoc indents.
var quotation = regexp.MustCompile(`^(?:> |\t)*`)

// isQuoted reports whether lines begin with a quotation of the block: by marks, with escapes,
// or as code, without.
func isQuoted(lines, block []string) bool {
	by := quotation.FindString(lines[0])
	if by == "" || len(lines) < len(block) {
		return false
	}
	for i, want := range block {
		got, quoted := strings.CutPrefix(lines[i]+" ", by)
		if !strings.HasSuffix(by, "\t") {
			got = unescape(got)
		}
		if !quoted || strings.TrimRight(got, " ") != strings.TrimRight(want, " ") {
			return false
		}
	}
	return true
}

// unescape undoes the escapes of Markdown.
func unescape(text string) string {
	return strings.ReplaceAll(html.UnescapeString(backslash.ReplaceAllString(text, "$1")), "\u00a0", " ")
}
