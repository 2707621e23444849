package check

import (
	"errors"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/config"
)

// Run is what ExecStart= has availd run.
type Run struct {
	Binary   string
	Settings []config.Setting
	Command  []string
}

// ConfigFile is the last --config, "" if there is none.
func (r Run) ConfigFile() (file string) {
	for _, s := range r.Settings {
		if s.Name == "config" {
			file = s.Value
		}
	}
	return file
}

var errNotAvaild = errors.New("it does not run availd directly, so that its options cannot be seen")

// RunOf reads ExecStart= of a service.
func RunOf(u *Unit) (Run, error) {
	lines := u.list("ExecStart")
	if len(lines) == 0 {
		return Run{}, errors.New("it has no ExecStart=")
	}
	words, err := Words(lines[len(lines)-1].Value, u.Name)
	if err != nil {
		return Run{}, err
	}
	if len(words) > 0 {
		words[0] = strings.TrimLeft(words[0], "-@:+!|")
	}
	if len(words) < 2 || filepath.Base(words[0]) != "availd" || words[1] != "run" {
		return Run{}, errNotAvaild
	}
	r := Run{Binary: words[0]}
	rest := words[2:]
	if i := slices.Index(rest, "--"); i >= 0 {
		r.Command, rest = rest[i+1:], rest[:i]
	}
	for len(rest) > 0 {
		name, value, joined := strings.Cut(strings.TrimLeft(rest[0], "-"), "=")
		rest = rest[1:]
		if !joined && len(rest) > 0 {
			value, rest = rest[0], rest[1:]
		}
		r.Settings = append(r.Settings, config.Setting{Name: name, Value: value})
	}
	return r, nil
}

// Words takes a command line apart as systemd does (systemd.service(5), COMMAND LINES). Of
// the specifiers it knows those that stand for the name of the unit; the others, and
// variables, stay as they are.
func Words(line, unit string) (words []string, err error) {
	var word strings.Builder
	open, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\':
			text, n, err := escaped(line[i+1:])
			if err != nil {
				return nil, err
			}
			word.WriteString(text)
			open, i = true, i+n
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteByte(c)
		case c == '"' || c == '\'':
			quote, open = c, true
		case c == ' ' || c == '\t':
			if open {
				words = append(words, word.String())
			}
			word.Reset()
			open = false
		default:
			word.WriteByte(c)
			open = true
		}
	}
	if quote != 0 {
		return nil, errors.New("a quote is not closed")
	}
	if open {
		words = append(words, word.String())
	}
	for i := range words {
		words[i] = strings.ReplaceAll(Expand(words[i], unit), "$$", "$")
	}
	return words, nil
}

// escaped reads what follows a backslash, and how much of it that is.
func escaped(rest string) (text string, n int, err error) {
	if rest == "" {
		return "", 0, errors.New("the line ends with a backslash")
	}
	single := map[byte]string{'a': "\a", 'b': "\b", 'f': "\f", 'n': "\n", 'r': "\r", 't': "\t", 'v': "\v", 's': " "}
	if text, ok := single[rest[0]]; ok {
		return text, 1, nil
	}
	if rest[0] == 'x' && len(rest) >= 3 {
		if b, err := strconv.ParseUint(rest[1:3], 16, 8); err == nil {
			return string([]byte{byte(b)}), 3, nil
		}
	}
	return rest[:1], 1, nil // a quote, or the backslash itself
}

// Expand replaces the specifiers for the name of the unit and %% (systemd.unit(5),
// SPECIFIERS).
func Expand(text, unit string) string {
	if !strings.Contains(text, "%") {
		return text
	}
	base, _, _ := strings.Cut(unit, ".")
	if i := strings.LastIndexByte(unit, '.'); i >= 0 {
		base = unit[:i]
	}
	prefix, instance, _ := strings.Cut(base, "@")
	return strings.NewReplacer("%%", "%", "%n", unit, "%N", base, "%p", prefix, "%i", instance).Replace(text)
}
