package units

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
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
	"FileDescriptorStoreMax":   "it holds what the next availd needs to know of the workers",
}

// lists are the settings of the templates that systemd adds up; all others
// replace what stood before (systemd.unit(5)).
var lists = []string{
	"After", "CapabilityBoundingSet", "ExecReload", "ExecStopPost", "Requires", "RestrictAddressFamilies",
	"SystemCallArchitectures", "SystemCallFilter",
}

// unitKey knows the settings that belong to [Unit] by their names
// (systemd.unit(5)).
var unitKey = form(`^(Description|Documentation|Wants|Requires|Requisite|BindsTo|PartOf|Upholds|` +
	`Conflicts|Before|After|On(Failure|Success)(JobMode)?|Propagates\w+|ReloadPropagatedFrom|StopPropagatedFrom|` +
	`JoinsNamespaceOf|\w+MountsFor|IgnoreOnIsolate|StopWhenUnneeded|Refuse\w+|AllowIsolate|DefaultDependencies|` +
	`SurviveFinalKillSignal|CollectMode|(Failure|Success)Action(ExitStatus)?|Job\w*Timeout\w*|StartLimit\w+|` +
	`RebootArgument|SourcePath|Condition\w+|Assert\w+)$`)

// properties takes KEY=VALUE words apart.
func properties(words []string) ([]property, error) {
	var all []property
	for _, word := range words {
		key, value, ok := strings.Cut(word, "=")
		if !ok || !keyForm(key) {
			return nil, fmt.Errorf("property %q: want KEY=VALUE, such as MemoryMax=1G", word)
		}
		if why := availds[key]; why != "" {
			return nil, fmt.Errorf("property %q: not possible: %s", word, why)
		}
		if strings.ContainsAny(value, "\r\n\x00") || strings.HasSuffix(value, `\`) {
			return nil, fmt.Errorf("property %q: a value is one line", word)
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
		line := regexp.MustCompile(`(?m)^` + p.key + `=.*\n`).FindString(text)
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
