package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/availd/availd"

// leaves know the world each in one respect, and nothing of each other.
var leaves = []string{
	"activation", "spawn", "internal/notify", "internal/report", "internal/state",
	"internal/board", "internal/quiesce", "internal/inspect", "internal/template", "internal/history", "internal/activity",
}

// belowLeaves is what leaves know of the project: the words of the policy and of the
// contract, and how the kernel is asked.
var belowLeaves = []string{"policy", "worker", "internal/sockdiag", "internal/nowait", "internal/procfs", "internal/prose"}

// TestLayering holds the table in docs/ARCHITECTURE.md: who may import whom.
func TestLayering(t *testing.T) {
	imports := directImports(t)
	for pkg, imported := range imports {
		for _, dep := range imported {
			if why := forbidden(pkg, dep); why != "" {
				t.Errorf("%s imports %s: %s", pkg, dep, why)
			}
		}
	}
	for _, want := range append(leaves, "policy", "worker", "internal/loop") {
		if _, ok := imports[want]; !ok {
			t.Errorf("package %s is gone: fix this table", want)
		}
	}
}

// forbidden says why pkg must not import dep; both without the module's path
// where they are the project's own.
func forbidden(pkg, dep string) string {
	own, isOwn := strings.CutPrefix(dep, module+"/")
	switch {
	case pkg == "policy" && !slices.Contains([]string{"time", "fmt", "strconv"}, dep):
		return "policy is pure: time and formatting only"
	case pkg == "internal/oneprocessor" && dep != "runtime":
		return "it is initialized before all that allocates"
	case pkg == "worker" && strings.Contains(strings.Split(dep, "/")[0], "."):
		return "worker is for other people's programs: the standard library only"
	case isOwn && slices.Contains(leaves, pkg) && slices.Contains(leaves, own):
		return "a leaf knows no other leaf"
	case isOwn && slices.Contains(leaves, pkg) && !slices.Contains(belowLeaves, own):
		return "a leaf knows nothing of the project but what the policy says of workers, the contract in worker, how the kernel is asked, and what may be shown"
	case pkg == "internal/loop" && isOwn && !slices.Contains(leaves, own) && !slices.Contains(append(belowLeaves, "internal/event", "internal/status"), own):
		return "the loop sees effects through its seams"
	case isOwn && strings.HasPrefix(own, "e2e") && !strings.HasPrefix(pkg, "e2e/"):
		return "tests are nobody's dependency"
	}
	return ""
}

// directImports maps every package of the module to what it imports itself.
func directImports(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Imports}} {{.}}{{end}}`, "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	imports := map[string][]string{}
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(words[0], module), "/")
		imports[pkg] = words[1:]
	}
	return imports
}

// TestArchitecture: the map shows every package, and none that is gone.
func TestArchitecture(t *testing.T) {
	text, err := os.ReadFile("docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	imports, shown, above := directImports(t), map[string]bool{}, []string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z/]+)` \\|.*\\| (.*) \\|$").FindAllStringSubmatch(string(text), -1) {
		shown[row[1]] = true
		if _, ok := imports[row[1]]; !ok {
			t.Errorf("package %s is shown, and gone", row[1])
		}
		want := ownNames(imports[row[1]])
		if strings.HasPrefix(row[2], "all of the above but ") {
			others := slices.DeleteFunc(slices.Clone(above), func(name string) bool { return slices.Contains(want, name) })
			slices.Sort(others)
			want = append([]string{"all of the above but " + others[0]}, others[1:]...)
		}
		if want := strings.Join(want, ", "); row[2] != want {
			t.Errorf("package %s: the map says it imports %q, and not %q", row[1], row[2], want)
		}
		above = append(above, filepath.Base(row[1]))
	}
	for pkg := range imports {
		if strings.HasPrefix(pkg, "internal/") && !shown[pkg] && !strings.Contains(pkg, "/testdata/") {
			t.Errorf("package %s is not shown", pkg)
		}
	}
}

// ownNames are the imports of this module as the map writes them: in order, the
// last element of the path; a dash is none.
func ownNames(imports []string) []string {
	var names []string
	for _, path := range imports {
		if own, ok := strings.CutPrefix(path, module+"/"); ok {
			names = append(names, filepath.Base(own))
		}
	}
	if names == nil {
		return []string{"–"}
	}
	slices.Sort(names)
	return names
}

// clocks are what of package time reads a clock or waits for it.
var clocks = []string{"Now", "Since", "Until", "After", "AfterFunc", "NewTimer", "NewTicker", "Tick", "Sleep"}

// TestNoClock: the policy and the loop know the time from their callers, which
// is the monotonic one; the loop asks for the other for what it shows, in one
// place. So nobody who sets the clock changes what they do.
func TestNoClock(t *testing.T) {
	seams := 0
	for _, dir := range []string{"policy", "internal/loop"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files (%v)", dir, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			for _, used := range selectors(t, name) {
				if pkg, what, _ := strings.Cut(used, "."); pkg == "time" && slices.Contains(clocks, what) {
					t.Errorf("%s: %s reads a clock of its own", name, used)
				}
				if used == "seams.Wall" {
					seams++
				}
			}
		}
	}
	if seams == 0 {
		t.Error("the wall clock's seam is gone: fix this test")
	}
}

// selectors returns every X.Y and the last two words of longer ones in a file.
func selectors(t *testing.T, name string) (found []string) {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		switch x := sel.X.(type) {
		case *ast.Ident:
			found = append(found, x.Name+"."+sel.Sel.Name)
		case *ast.SelectorExpr:
			found = append(found, x.Sel.Name+"."+sel.Sel.Name)
		}
		return true
	})
	return found
}
