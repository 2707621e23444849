package units

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// notHere are options of run that have another place in a set of units.
var notHere = map[string]string{
	"listen": "under systemd the socket unit listens; give the address to units itself",
	"config": "NAME.conf is the configuration; give its options one by one",
}

// optionForm is that of the names; a line that begins otherwise may be a comment.
var optionForm = form(`^[a-z][a-z0-9-]*$`)

// A setting is a line of NAME.conf.
type setting struct{ Name, Value string }

// settings takes the options of run apart.
func settings(words []string) ([]setting, error) {
	var all []setting
	for _, word := range words {
		name, value, ok := strings.Cut(strings.TrimPrefix(word, "--"), "=")
		if !ok || !strings.HasPrefix(word, "--") || !optionForm(name) {
			return nil, fmt.Errorf("run option %q: want --name=value", word)
		}
		if hint := notHere[name]; hint != "" {
			return nil, fmt.Errorf("run option --%s: %s", name, hint)
		}
		if strings.ContainsAny(word, "\r\n\x00") || !utf8.ValidString(word) {
			return nil, fmt.Errorf("run option %q: a value is one line of UTF-8", word)
		}
		all = append(all, setting{name, value})
	}
	return all, nil
}

// value returns what the last of the settings of that name says.
func value(all []setting, name string) string {
	last := ""
	for _, s := range all {
		if s.Name == name {
			last = s.Value
		}
	}
	return last
}
