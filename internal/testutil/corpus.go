package testutil

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// goFormat is the first line of the files of Go's fuzzing.
const goFormat = "go test fuzz v1\n"

// sum names a file by its content.
func sum(text string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// digits writes a number in one of the ways that parsers meet.
func digits(n uint64, form int) []byte {
	switch form {
	case 0:
		return strconv.AppendInt(nil, int64(n), 10)
	case 1:
		return strconv.AppendUint([]byte("0x"), n, 16)
	case 2:
		return strconv.AppendUint([]byte("0"), n, 10)
	default:
		return strconv.AppendUint(nil, n, 10)
	}
}

// goFile is an input as a file of Go's fuzzing: one value a line.
func goFile(input []any) string { return goFormat + strings.Join(written(input), "\n") + "\n" }

// written are the values of an input as Go source.
func written(input []any) (list []string) {
	for _, v := range input {
		switch v := v.(type) {
		case []byte:
			list = append(list, fmt.Sprintf("[]byte(%q)", v))
		default:
			list = append(list, fmt.Sprintf("%T(%#v)", v, v))
		case string:
			list = append(list, fmt.Sprintf("string(%q)", v))
		case bool:
			list = append(list, fmt.Sprintf("bool(%t)", v))
		}
	}
	return list
}

// keptLength is how long a seed may be to be kept in the tree.
const keptLength = 400

// keepSeeds adds those seeds to a file that has one a line that are short and not there.
func keepSeeds(path string, seeds [][]any) error {
	before, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lines := slices.Collect(strings.Lines(string(before)))
	for _, seed := range seeds {
		if line := strings.Join(written(seed), ", ") + "\n"; len(line) <= keptLength {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	if lines = slices.Compact(lines); len(lines) == 0 {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(strings.Join(lines, "")), 0o644)
}

// readSeeds reads a file that has one input a line, its values with commas between them,
// or a folder with files of Go's fuzzing. What is not there has none.
func readSeeds(path string, kinds []reflect.Type) (seeds [][]any, err error) {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil { // not a folder
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if seeds, err = appendSeed(seeds, path, strings.TrimSpace(line), kinds); err != nil {
				return nil, err
			}
		}
		return seeds, nil
	}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		lines, found := strings.CutPrefix(string(text), goFormat)
		if !found {
			return nil, fmt.Errorf("%s/%s is not in the format of Go's fuzzing", path, e.Name())
		}
		lines = strings.ReplaceAll(strings.TrimSpace(lines), "\n", ", ")
		if seeds, err = appendSeed(seeds, path+"/"+e.Name(), lines, kinds); err != nil {
			return nil, err
		}
	}
	return seeds, nil
}

// appendSeed reads one input, of values with commas between them.
func appendSeed(seeds [][]any, path, line string, kinds []reflect.Type) ([][]any, error) {
	expression, err := parser.ParseExpr("x(" + line + ")")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	call, ok := expression.(*ast.CallExpr)
	if !ok || len(call.Args) != len(kinds) {
		return nil, fmt.Errorf("%s: %q is not an input of %d values", path, line, len(kinds))
	}
	var seed []any
	for i, arg := range call.Args {
		value, err := readValue(arg, kinds[i])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		seed = append(seed, value)
	}
	return append(seeds, seed), nil
}

// readValue reads one value, such as string("x"), int64(-1), byte('\x00') or bool(true).
func readValue(e ast.Expr, kind reflect.Type) (any, error) {
	conversion, ok := e.(*ast.CallExpr)
	if !ok || len(conversion.Args) != 1 {
		return nil, fmt.Errorf("no value of %s", kind)
	}
	v := reflect.New(kind).Elem()
	sign := ""
	arg := conversion.Args[0]
	if minus, ok := arg.(*ast.UnaryExpr); ok && minus.Op == token.SUB {
		sign, arg = "-", minus.X
	}
	switch arg := arg.(type) {
	case *ast.Ident:
		v.SetBool(arg.Name == "true")
	case *ast.BasicLit:
		switch arg.Kind {
		case token.STRING:
			text, err := strconv.Unquote(arg.Value)
			if err != nil {
				return nil, err
			}
			v.Set(reflect.ValueOf([]byte(text)).Convert(kind))
		case token.CHAR:
			r, _, _, err := strconv.UnquoteChar(arg.Value[1:], '\'')
			if err != nil {
				return nil, err
			}
			v.Set(reflect.ValueOf(r).Convert(kind))
		default:
			n, err := strconv.ParseUint(arg.Value, 0, 64)
			if err != nil {
				return nil, err
			}
			if sign != "" {
				n = -n
			}
			v.Set(reflect.ValueOf(n).Convert(kind))
		}
	default:
		return nil, fmt.Errorf("no value of %s", kind)
	}
	return v.Interface(), nil
}
