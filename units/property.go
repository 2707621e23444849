package units

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// A property is one setting that was asked for, as systemd-run(1) takes it.
type property struct{ key, value string }

func (p property) String() string { return p.key + "=" + p.value }

var keyForm = form(`^[A-Z][A-Za-z0-9]*$`)

// availds are the settings on which availd itself rests.
var availds = map[string]string{
	"Type":                     "availd speaks the protocol of Type=notify",
	"NotifyAccess":             "workers report to availd, and only availd to systemd",
	"ExecStart":                "give the worker's command after --",
	"KillMode":                 "any other mode kills the workers when availd dies",
	"RuntimeDirectory":         "workers report in availd/NAME; use StateDirectory= for files of theirs",
	"RuntimeDirectoryPreserve": "workers that outlive availd have the name of a socket in it",
	"FileDescriptorStoreMax":   "it holds what the next availd needs to know of the workers, and follows --limit",
	"RemainAfterExit":          "an availd that has left because it was idle would never be started again",
}

// killSignals are the values of KillSignal= by which availd stops; see SIGNALS of
// availd(8). Others reload it, are ignored, or end it and leave its workers, as SIGABRT
// does, which is the watchdog's.
var killSignals = []string{"SIGTERM", "SIGINT", "SIGQUIT", "SIGPWR", "SIGRTMIN+3"}

// killNumbers are the same; that of SIGPWR differs from machine to machine.
var killNumbers = []string{"15", "2", "3", "37"}

// CheckProperty reports what is wrong with one KEY=VALUE, by itself and with the newest
// systemd.
func CheckProperty(word string) error {
	_, err := properties([]string{word}, math.MaxInt)
	return err
}

// checkSignal refuses a setting by which the service would not be stopped.
func checkSignal(word, key, value string) error {
	name := strings.ToUpper(value)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if (key == "KillSignal" || key == "RestartKillSignal") && value != "" &&
		!slices.Contains(killSignals, name) && !slices.Contains(killNumbers, value) {
		return fmt.Errorf("property %q: not possible: availd stops on %s; --retire-signal is what workers get", word,
			strings.Join(killSignals, ", "))
	}
	return nil
}

// checkConfined refuses a setting under which workers would not outlive availd.
func checkConfined(word, key, value string) error {
	if key == "PrivatePIDs" && isYes(value) {
		return fmt.Errorf("property %q: not possible: availd would be process 1 of a PID namespace, and the kernel kills all workers when it dies", word)
	}
	return nil
}

// lists are the settings of the templates that systemd adds up; all others
// replace what stood before (systemd.unit(5)).
var lists = []string{
	"After", "BindReadOnlyPaths", "CapabilityBoundingSet", "DeviceAllow", "Documentation", "Environment", "ExecReload",
	"ExecStopPost", "Requires", "RestrictAddressFamilies", "SystemCallArchitectures", "SystemCallFilter", "Wants",
}

// properties takes KEY=VALUE words apart, for a systemd of this version.
func properties(words []string, systemd int) ([]property, error) {
	var all []property
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || !keyForm(key) {
			return nil, fmt.Errorf("property %q: want KEY=VALUE, such as MemoryMax=1G", word)
		}
		if why := availds[key]; why != "" {
			return nil, fmt.Errorf("property %q: not possible: %s", word, why)
		}
		if strings.ContainsAny(value, "\r\n\x00") || strings.HasSuffix(value, `\`) || !utf8.ValidString(value) {
			return nil, fmt.Errorf("property %q: a value is one line of UTF-8", word)
		}
		if err := checkKey(word, key, systemd); err != nil {
			return nil, err
		}
		if err := checkSignal(word, key, value); err != nil {
			return nil, err
		}
		if err := checkConfined(word, key, value); err != nil {
			return nil, err
		}
		if err := checkOwnLimit(word, key, value); err != nil {
			return nil, err
		}
		all = append(all, property{key, value})
	}
	return all, nil
}

// has reports whether one of all has that key.
func has(all []property, key string) bool {
	return slices.ContainsFunc(all, func(p property) bool { return p.key == key })
}

// replace puts the properties that a template sets in place of its lines, and
// returns those that are left to be added. Of one that is there twice the last
// counts.
func replace(text string, all []property) (string, []property) {
	var left []property
	for i, p := range all {
		line := lineOf(text, p.key)
		if has(all[i+1:], p.key) && !slices.Contains(lists, p.key) && line != "" {
			continue
		}
		if line == "" || slices.Contains(lists, p.key) {
			left = append(left, p)
			continue
		}
		asked := fmt.Sprintf("# As asked for, instead of %s.\n%s\n", strings.TrimSuffix(line, "\n"), p)
		text = strings.Replace(text, line, asked, 1)
	}
	return text, left
}

// lineOf is the first line of a unit that sets key, with its end, or "".
func lineOf(text, key string) string {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, key) && strings.HasPrefix(line[len(key):], "=") {
			return line
		}
	}
	return ""
}
