package check

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/availd/availd/internal/config"
)

// Unit is a unit as its files say it, drop-ins included, in the order in which systemd
// reads them.
type Unit struct {
	Name     string
	Settings []Setting
	// Effective are values that systemd has worked out, by the name of the property, where
	// it was asked; they stand above the text, which knows no defaults.
	Effective map[string]string
	// Conf is the file that a generator makes the unit of, "" where nobody does: what is
	// to be changed stands there.
	Conf string
}

// Setting is a line of a unit file.
type Setting struct {
	Section, Key, Value string
	File                string
	Line                int
}

func (s Setting) place() string {
	if s.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Read adds the settings of a file (systemd.syntax(7)). A line that is none is left out:
// systemd says so itself, and passes over it.
func (u *Unit) Read(file, text string) {
	section, held, at := "", "", 0
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" && held == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue // comments may stand between the lines of a continued one
		}
		if held == "" {
			at = i + 1
		}
		if rest, continued := strings.CutSuffix(line, `\`); continued {
			held += rest + " "
			continue
		}
		line, held = held+line, ""
		if name, ok := strings.CutPrefix(line, "["); ok {
			section = strings.TrimSuffix(name, "]")
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok {
			u.Settings = append(u.Settings, Setting{section, strings.TrimSpace(key), strings.TrimSpace(value), file, at})
		}
	}
}

// last is the line that counts of a key that has one value.
func (u *Unit) last(key string) (s Setting, found bool) {
	for _, set := range u.Settings {
		if set.Key == key {
			s, found = set, true
		}
	}
	return s, found
}

// Value is the value of a key that counts, with the names of the unit filled in.
func (u *Unit) Value(key string) string { return Expand(u.get(key), u.Name) }

// Yes reports whether a boolean is set.
func (u *Unit) Yes(key string) bool { return isYes(u.get(key)) }

// ControlName is the name under which a service is asked: that of availd/NAME in
// RuntimeDirectory=, "" = it has none.
func (u *Unit) ControlName() string {
	for _, dir := range u.words("RuntimeDirectory") {
		dir, _, _ = strings.Cut(Expand(dir, u.Name), ":")
		if name, ok := strings.CutPrefix(dir, "availd/"); ok {
			return name
		}
	}
	return ""
}

// get is the value that counts, "" if there is none.
func (u *Unit) get(key string) string {
	s, _ := u.last(key)
	return s.Value
}

// list are the values of a key that adds up, each line one; an empty line forgets those
// before it.
func (u *Unit) list(key string) (all []Setting) {
	for _, s := range u.Settings {
		switch {
		case s.Key != key:
		case s.Value == "":
			all = nil
		default:
			all = append(all, s)
		}
	}
	return all
}

// words are those of a list of words.
func (u *Unit) words(key string) (all []string) {
	for _, s := range u.list(key) {
		all = append(all, strings.Fields(s.Value)...)
	}
	return all
}

// Booleans of systemd.
func isYes(v string) bool {
	return slices.Contains([]string{"1", "yes", "y", "true", "t", "on"}, strings.ToLower(v))
}

func isNo(v string) bool {
	return slices.Contains([]string{"0", "no", "n", "false", "f", "off"}, strings.ToLower(v))
}

// unlimited is the value of a number that is not bounded.
const unlimited = -1

// number is a limit of the unit: of the text, or as systemd has worked it out; false: it is
// not known. A share of the machine, such as TasksMax=10%, is known to systemd alone.
func (u *Unit) number(key string) (int, bool) {
	value, ok := u.Effective[key]
	if !ok || value == "" {
		value = u.get(key)
	}
	if value == "infinity" || value == "18446744073709551615" {
		return unlimited, true
	}
	scale := 1
	if trimmed := strings.TrimRight(value, "KMGT"); trimmed != value && len(value)-len(trimmed) == 1 {
		scale = 1 << (10 * (1 + strings.IndexByte("KMGT", value[len(value)-1])))
		value = trimmed
	}
	n, err := strconv.Atoi(value)
	return n * scale, err == nil
}

// span is a time of the unit; 0 = for ever, and false: it is not known.
func (u *Unit) span(key string) (time.Duration, bool) {
	value := u.get(key)
	if value == "" {
		return 0, false
	}
	if value == "infinity" {
		return 0, true
	}
	d, err := config.ParseSpan(value)
	return d, err == nil
}
