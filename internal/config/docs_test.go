package config

//go:generate go test -run TestOptionsPageIsCurrent -update

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/protocol"
)

var update = flag.Bool("update", false, "write the part of docs/reference/options.md that is made from the table anew")

const (
	optionsPage  = "../../docs/reference/options.md"
	optionsBegin = "<!-- Made from internal/config and internal/protocol by go generate. -->\n\n"
	optionsEnd   = "<!-- Written by hand from here. -->\n"
)

// TestOptionsPageIsCurrent: the page says of every option and protocol what the program
// does with it.
func TestOptionsPageIsCurrent(t *testing.T) {
	data, err := os.ReadFile(optionsPage)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(data), optionsBegin)
	_, after, ends := strings.Cut(rest, optionsEnd)
	if !begins || !ends {
		t.Fatalf("%s has no part between %q and %q", optionsPage, optionsBegin, optionsEnd)
	}
	want := before + optionsBegin + optionTables(t) + optionsEnd + after
	switch {
	case want == string(data):
	case *update:
		if err := os.WriteFile(optionsPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s is not as the table makes it: run go generate ./internal/config", optionsPage)
	}
}

// optionTables is the part of the page that is made.
func optionTables(t *testing.T) string {
	var b strings.Builder
	b.WriteString("## Options and protocols\n\n")
	head := "| option | default | reload | " + strings.Join(protocol.Names(), " | ") + " |\n" +
		strings.Repeat("|---", 3+len(protocol.All)) + "|\n"
	reasons := refusals{}
	write := func(heading string, belongs func(Option) bool) {
		b.WriteString("### " + heading + "\n\n" + head)
		for _, o := range Options() {
			if belongs(o) {
				b.WriteString(optionRow(t, o, &reasons))
			}
		}
		b.WriteString("\n")
	}
	write("Most needed", func(o Option) bool { return o.Common })
	for _, group := range Groups() {
		write("Rarely needed: "+strings.ToLower(group), func(o Option) bool { return !o.Common && o.Group == group })
	}
	b.WriteString("### What is refused, and what to use instead\n\n| option | with | why |\n|---|---|---|\n")
	for _, r := range reasons {
		fmt.Fprintf(&b, "| `%s` | `%s` | %s |\n", r.option, strings.Join(r.protocols, "`, `"), strings.ReplaceAll(r.why, "|", `\|`))
	}
	b.WriteString("\n## Reload\n\nA reload takes over a change of these:\n\n" + named(true) +
		"\n\nA change of these takes a restart, and a reload refuses it:\n\n" + named(false) + "\n\n")
	return b.String()
}

// named are the options that a reload can change, or cannot.
func named(reloadable bool) string {
	var names []string
	for _, o := range Options() {
		if o.Reloadable == reloadable {
			names = append(names, "`"+o.Name+"`")
		}
	}
	return strings.Join(names, ", ") + "."
}

func optionRow(t *testing.T, o Option, reasons *refusals) string {
	standard := "`" + o.Default + "`"
	if o.Default == "" {
		standard = o.DefaultText
	}
	reload := "restart"
	if o.Reloadable {
		reload = "yes"
	}
	row := fmt.Sprintf("| `%s` | %s | %s |", o.Name, standard, reload)
	for _, p := range protocol.All {
		row += " " + accepted(t, o, p, reasons) + " |"
	}
	return row + "\n"
}

// accepted says which values of an option a protocol takes, as the program itself finds it.
func accepted(t *testing.T, o Option, p *protocol.Protocol, reasons *refusals) string {
	var taken, refused []string
	for _, value := range samples(t, o) {
		settings := append([]Setting{{"protocol", p.Name}}, company[o.Name]...)
		if o.Name == "protocol" {
			settings = nil
		}
		_, err := Load(append(settings, Setting{o.Name, value}), []string{"/bin/worker"})
		var why *Error
		switch {
		case err == nil || errors.As(err, &why) && why.Err != nil: // there is no such file here
			taken = append(taken, value)
		default:
			refused = append(refused, value)
			reasons.add(o.Name, value, p, why.Reason)
		}
	}
	switch {
	case len(refused) == 0:
		return "yes"
	case len(taken) == 0:
		return "no"
	}
	return "`" + strings.Join(taken, "`, `") + "`"
}

// company is what an option needs beside it, whatever the protocol.
var company = map[string][]Setting{
	"template-idle": {{"template", "worker"}},
	"throttle":      {{"throttle-max", "1h"}},
}

// plainKind are kinds of values that words in their description are only examples of.
var plainKind = regexp.MustCompile(`^(a decimal number|a time span|an absolute path)`)

// samples are values that the option takes, other than its default: each of its words, or
// one that fits.
func samples(t *testing.T, o Option) (values []string) {
	t.Helper()
	words := strings.FieldsFunc(strings.ReplaceAll(o.Accepts(), " or ", ", "), func(r rune) bool { return r == ',' || r == ' ' })
	fitting := func(value string) bool {
		c := Default()
		if value == o.Default || o.kind.set(&c, value) != nil {
			return false
		}
		with := Default() // a word for the default is no other value
		return o.kind.show(&c) != o.kind.show(&with)
	}
	if !plainKind.MatchString(o.Accepts()) {
		if words := slices.DeleteFunc(words, func(w string) bool { return !fitting(w) }); len(words) > 0 {
			return words
		}
	}
	for _, value := range []string{"2", "TERM", "3h", "/run/x", "web", "8080"} {
		if fitting(value) {
			return []string{value}
		}
	}
	t.Fatalf("--%s takes none of the values that are tried: add one that it takes", o.Name)
	return nil
}

// refusal is why some protocols refuse an option.
type refusal struct {
	option, why string
	protocols   []string
}

type refusals []refusal

func (r *refusals) add(option, value string, p *protocol.Protocol, why string) {
	why = strings.TrimPrefix(why, "not possible with --protocol="+p.Name+": ")
	if isWord(option, value) {
		option += "=" + value
	}
	for i := range *r {
		if (*r)[i].option == option && (*r)[i].why == why {
			if !slices.Contains((*r)[i].protocols, p.Name) {
				(*r)[i].protocols = append((*r)[i].protocols, p.Name)
			}
			return
		}
	}
	*r = append(*r, refusal{option, why, []string{p.Name}})
}

// isWord reports whether the value is one of the words that an option is about.
func isWord(option, value string) bool {
	return option != "retire-signal" && strings.Contains(find(option).Accepts(), value) && strings.Trim(value, "0123456789") != ""
}
