package event

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/internal/config"
)

func parse(t *testing.T, pattern string) (files []*ast.File) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: no files (%v)", pattern, err)
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
	return files
}

// each calls visit for every node of type N.
func each[N ast.Node](files []*ast.File, visit func(N)) {
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if x, ok := n.(N); ok {
				visit(x)
			}
			return true
		})
	}
}

// row is the text of a message or a phrase, and the event of a message.
type row struct{ text, event string }

// rows are those of this package by the names of their variables.
func rows(t *testing.T) map[string]row {
	t.Helper()
	found := map[string]row{}
	each(parse(t, "*.go"), func(v *ast.ValueSpec) {
		if len(v.Values) != 1 {
			return
		}
		lit, isPhrase := v.Values[0].(*ast.CompositeLit)
		if ref, ok := v.Values[0].(*ast.UnaryExpr); ok {
			lit, _ = ref.X.(*ast.CompositeLit)
		}
		if lit == nil || !isRow(lit) {
			return
		}
		var r row
		for i, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			switch {
			case isPhrase && i == 1:
				r.text = unquote(t, e)
			case ok && kv.Key.(*ast.Ident).Name == "Text":
				r.text = unquote(t, kv.Value)
			case ok && kv.Key.(*ast.Ident).Name == "Event":
				r.event = unquote(t, kv.Value)
			}
		}
		found[v.Names[0].Name] = r
	})
	return found
}

// isRow tells messages and phrases from other values.
func isRow(lit *ast.CompositeLit) bool {
	id, ok := lit.Type.(*ast.Ident)
	return ok && (id.Name == "Message" || id.Name == "Phrase")
}

func unquote(t *testing.T, e ast.Expr) string {
	t.Helper()
	s, err := strconv.Unquote(e.(*ast.BasicLit).Value)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func all() (list []*Message) {
	for _, part := range table {
		list = append(list, part.Messages...)
	}
	return list
}

// TestTableIsWhole: what is a message is in the table, once, and nothing is in it twice.
func TestTableIsWhole(t *testing.T) {
	declared := 0
	each(parse(t, "*.go"), func(l *ast.CompositeLit) {
		if id, ok := l.Type.(*ast.Ident); ok && id.Name == "Message" {
			declared++
		}
	})
	if declared != len(all()) || declared < 50 {
		t.Errorf("%d messages are declared, %d are in the table", declared, len(all()))
	}
	kinds := map[string]bool{}
	for _, m := range all() {
		if kinds[m.kind()] && m.Event != "" {
			t.Errorf("two messages are %s", m.kind())
		}
		kinds[m.kind()] = true
	}
}

// TestMessageIDs: they are 128 bits in hexadecimal, as journald wants them, and
// of one event each, which there is.
func TestMessageIDs(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{32}$`)
	kinds := map[string]string{}
	for kind, id := range MessageID {
		if !form.MatchString(id) || kinds[id] != "" {
			t.Errorf("%s has the id %q, which is malformed, or that of %q", kind, id, kinds[id])
		}
		kinds[id] = kind
		if !slices.ContainsFunc(all(), func(m *Message) bool { return m.Event == kind }) {
			t.Errorf("there is no message of the event %s", kind)
		}
	}
}

// fieldKeys are the keys that each function of fields.go and causes.go gives.
func fieldKeys(t *testing.T) map[string][]string {
	t.Helper()
	keys := map[string][]string{}
	each(parse(t, "*.go"), func(f *ast.FuncDecl) {
		if f.Recv != nil {
			return
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if s, ok := call.Fun.(*ast.SelectorExpr); !ok || s.Sel.Name == "Group" || len(call.Args) != 2 {
				return true
			}
			if lit, ok := call.Args[0].(*ast.BasicLit); ok {
				keys[f.Name.Name] = append(keys[f.Name.Name], strings.Trim(lit.Value, `"`))
			}
			return true
		})
	})
	return keys
}

var catalogField = regexp.MustCompile(`@AVAILD_([A-Z_]+)@`)

// explained are the fields that the catalog names for each event.
func explained(t *testing.T) map[string][]string {
	t.Helper()
	catalog, err := os.ReadFile("../../packaging/availd.catalog")
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string][]string{}
	for kind, id := range MessageID {
		_, entry, _ := strings.Cut(string(catalog), "-- "+id+"\n")
		entry, _, _ = strings.Cut(entry, "\n-- ")
		for _, m := range catalogField.FindAllStringSubmatch(entry, -1) {
			if key := strings.ToLower(m[1]); key != "service" {
				fields[kind] = append(fields[kind], key)
			}
		}
	}
	return fields
}

// TestCallsPassFields: whoever says a message passes all that its text names, and all that
// the catalog shows of it. Calls whose message or fields are chosen elsewhere are looked at
// where they are chosen.
func TestCallsPassFields(t *testing.T) {
	texts, keys, shown := rows(t), fieldKeys(t), explained(t)
	keys["pool"] = []string{"busy", "idle", "limit", "queue"} // which the loop adds
	if len(keys["Worker"]) != 2 || texts["Full"].event != "full" || texts["BadEnd"].text == "" || len(shown["suspect"]) == 0 {
		t.Fatalf("this test does not read the package: %q, %q", keys, shown)
	}
	said := map[string]bool{}
	for _, dir := range []string{"loop", "daemon", "logs", "cli"} {
		each(parse(t, "../"+dir+"/*.go"), func(call *ast.CallExpr) {
			names, args := message(call)
			for _, name := range names {
				r, known := texts[name]
				if !known {
					return
				}
				said[name] = true
				named := shown[r.event]
				for _, p := range placeholder.FindAllString(r.text, -1) {
					key, _, _ := strings.Cut(strings.Trim(p, "{}"), " ")
					named = append(slices.Clip(named), key)
				}
				for _, key := range named {
					if !slices.ContainsFunc(args, func(f string) bool { return f == "…" || slices.Contains(keys[f], key) }) {
						t.Errorf("%s is called without {%s}", name, key)
					}
				}
			}
		})
		each(parse(t, "../"+dir+"/*.go"), func(s *ast.SelectorExpr) {
			if id, ok := s.X.(*ast.Ident); ok && id.Name == "event" {
				said[s.Sel.Name] = true
			}
		})
	}
	for name := range texts {
		if !said[name] {
			t.Errorf("nobody says %s", name)
		}
	}
}

// message is what a call says, if it names it, and the functions that make its fields;
// "…" = there may be others.
func message(call *ast.CallExpr) (names, fields []string) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return nil, nil
	}
	args := call.Args
	switch {
	case sel.Sel.Name == "With":
		if of, ok := sel.X.(*ast.SelectorExpr); ok {
			names = []string{of.Sel.Name}
		}
	case sel.Sel.Name == "say" && len(args) > 0:
		names, args, fields = selected(args[0]), args[1:], []string{"pool"}
	case sel.Sel.Name == "Log" && len(args) > 1:
		names, args = selected(args[1]), args[2:]
	}
	for _, a := range args {
		inner, ok := a.(*ast.CallExpr)
		if !ok {
			fields = append(fields, "…")
			continue
		}
		switch f := inner.Fun.(type) {
		case *ast.SelectorExpr:
			fields = append(fields, f.Sel.Name)
		case *ast.Ident:
			if f.Name == "of" { // of the loop: the worker of an action
				fields = append(fields, "Worker")
			} else {
				fields = append(fields, "…")
			}
		}
	}
	return names, fields
}

func selected(e ast.Expr) []string {
	if s, ok := e.(*ast.SelectorExpr); ok {
		return []string{s.Sel.Name}
	}
	return nil
}

var (
	named = regexp.MustCompile(`--[a-z-]+`)
	// foreign are options of other programs that texts name.
	foreign = []string{"--foreground", "--no-daemon"}
	// avoided are words that only we understand.
	avoided = regexp.MustCompile(`(?i)\b(mend|slots?|board|image|told|leave|heirs?|roll-?out|pidfd|revision|proceeding|ignoring)\b`)
	// known may have such a word, which is a term of the manual.
	known = []string{"internal/board_lost", "internal/no_board", "internal/pidfd", "reloaded/waits"}
)

// TestStyle: a message that may need somebody says what is, what follows and what to do,
// and names options as they are in a file and on the command line.
func TestStyle(t *testing.T) {
	options := map[string]bool{}
	for _, o := range config.Options() {
		options["--"+o.Name] = true
	}
	for _, m := range all() {
		state, rest, consequence := strings.Cut(m.Text, ": ")
		if m.Level > slog.LevelInfo && (!consequence || state == "" || rest == "") {
			t.Errorf("%s does not say what follows: %s", m.kind(), m.Text)
		}
		if strings.HasSuffix(m.Text, ".") || strings.Contains(m.Text, "  ") {
			t.Errorf("%s: %q", m.kind(), m.Text)
		}
		for _, o := range named.FindAllString(m.Text, -1) {
			if name := strings.TrimPrefix(o, "--"); !slices.Contains(foreign, o) && (!options[o] || !strings.Contains(m.Text, name+"= ("+o+")")) {
				t.Errorf("%s: %s is no option, or is not written as %s= (%s)", m.kind(), o, name, o)
			}
		}
		if word := avoided.FindString(m.Text); word != "" && !slices.Contains(known, m.kind()) {
			t.Errorf("%s says %q", m.kind(), word)
		}
		if m.Means == "" {
			t.Errorf("%s is not explained", m.kind())
		}
	}
}

func TestFill(t *testing.T) {
	fields := []slog.Attr{Workers(1), Waiting(2), slog.Group("", slog.String("end", "x{waiting}"))}
	for text, want := range map[string]string{
		"{workers worker} and {waiting client}": "1 worker and 2 clients",
		"{end}, {workers}":                      "x{waiting}, 1",
		"{absent} {absent thing}":               "{absent} {absent thing}",
		"{ {workers":                            "{ {workers",
		"":                                      "",
	} {
		if got := Fill(text, fields); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestCause: the name and the fields of a reason go with a message, also from below
// another that only adds to it.
func TestCause(t *testing.T) {
	cause := OlderGoOn.With(Cause(BadEnd.With(End(Exited.With(Status(3))))))
	fields := []slog.Attr{Cause(cause)}
	for key, want := range map[string]string{"reason": "bad_end", "exit_status": "3", "cause": cause.Error()} {
		if got, _ := find(fields, key); got != want {
			t.Errorf("%s is %q, want %q", key, got, want)
		}
	}
	if got, _ := find([]slog.Attr{Cause(errors.New("no"))}, "cause"); got != "no" {
		t.Errorf("cause is %q", got)
	}
}

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{900: "0 KiB", 5000: "4 KiB", 3 << 19: "1.5 MiB", 5 << 30: "5.0 GiB"} {
		if got := bytes(n); got != want {
			t.Errorf("%d bytes are %q, want %q", n, got, want)
		}
	}
}
