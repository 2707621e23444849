// Package man holds the manual pages. Its tests keep them true to the program:
// options, defaults, subcommands, messages and examples are compared with the
// source, both ways where there are two.
package man

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var pages = []string{"availd.8", "availd-worker.7"}

func read(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// tool returns the path of a program, without which the test cannot run.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err == nil {
		return path
	}
	if strings.Contains(os.Getenv("AVAILD_REQUIRE"), "e2e") {
		t.Fatal(err)
	}
	t.Skip(err)
	return ""
}

func TestLint(t *testing.T) {
	out, err := exec.Command(tool(t, "mandoc"), append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("mandoc: %v\n%s", err, out)
	}
}

// section returns the lines of one .Sh.
func section(t *testing.T, page, name string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, page), "\n.Sh "+name+"\n")
	if !found {
		t.Fatalf("%s has no section %s", page, name)
	}
	text, _, _ := strings.Cut(rest, "\n.Sh ")
	return text + "\n"
}

// source parses the Go files that match the patterns, without tests.
func source(t *testing.T, patterns ...string) []*ast.File {
	t.Helper()
	var files []*ast.File
	for _, p := range patterns {
		names, err := filepath.Glob(p)
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: no files (%v)", p, err)
		}
		for _, name := range names {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, f)
		}
	}
	return files
}

// names returns the Name: of every composite literal of a type of package cli.
func names(files []*ast.File, isWanted func(typeName string) bool) []string {
	var found []string
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			lit, ok := n.(*ast.CompositeLit)
			if !ok {
				return true
			}
			if sel, ok := lit.Type.(*ast.SelectorExpr); !ok || !isWanted(sel.Sel.Name) {
				return true
			}
			for _, e := range lit.Elts {
				kv, ok := e.(*ast.KeyValueExpr)
				if !ok || kv.Key.(*ast.Ident).Name != "Name" {
					continue
				}
				if s, ok := text(kv.Value); ok {
					found = append(found, s)
				}
			}
			return true
		})
	}
	return found
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

var synopsisCommand = regexp.MustCompile(`(?m)^\.Nm\n\.Cm (\w+)$`)

func TestSubcommands(t *testing.T) {
	documented := map[string]bool{}
	for _, m := range synopsisCommand.FindAllStringSubmatch(section(t, "availd.8", "SYNOPSIS"), -1) {
		documented[m[1]] = true
	}
	root := source(t, "../*.go")
	commands := names(root, func(s string) bool { return s == "Command" })
	if len(commands) < 5 {
		t.Fatalf("only the subcommands %q are found in the source", commands)
	}
	for _, c := range commands {
		if !documented[c] {
			t.Errorf("subcommand %s is not in the SYNOPSIS", c)
		}
	}
	usage := read(t, "../main.go")
	for c := range documented {
		if !strings.Contains(usage, "availd "+c) {
			t.Errorf("%s is in the SYNOPSIS and not in availd --help", c)
		}
	}
	for _, flag := range names(root, func(s string) bool { return strings.HasSuffix(s, "Flag") }) {
		if !strings.Contains(section(t, "availd.8", "DESCRIPTION"), "Fl -"+flag) {
			t.Errorf("option --%s of a subcommand is not in the DESCRIPTION", flag)
		}
	}
}

// TestPlain keeps the pages readable on every terminal and greppable.
func TestPlain(t *testing.T) {
	for _, p := range pages {
		for i, line := range bytes.Split([]byte(read(t, p)), []byte("\n")) {
			for _, c := range line {
				if c >= 0x80 || c < ' ' && c != '\t' {
					t.Errorf("%s:%d: byte %#x", p, i+1, c)
				}
			}
		}
	}
}
