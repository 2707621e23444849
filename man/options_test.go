package man

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/internal/config"
)

// item is one option as the page has it.
type item struct {
	group    string // "" = it is one of the common ones
	standard string // what follows "Default:"
}

var optionItem = regexp.MustCompile(`^\.It Fl -([a-z-]+) Ns = Ns Ar \w+$`)

// items reads the option lists of availd-run(8): the common ones come first, before any
// heading, so that they are on the first page.
func items(t *testing.T) map[string]item {
	t.Helper()
	found := map[string]item{}
	group, name := "", ""
	lines := strings.Split(section(t, "availd-run.8", "OPTIONS")+section(t, "availd-run.8", "RARELY NEEDED OPTIONS"), "\n")
	for i, line := range lines {
		if g, ok := strings.CutPrefix(line, ".Ss "); ok {
			group = g
		}
		if m := optionItem.FindStringSubmatch(line); m != nil {
			name = m[1]
			if _, twice := found[name]; twice {
				t.Errorf("--%s is there twice", name)
			}
			found[name] = item{group: group}
		} else if strings.HasPrefix(line, ".It Fl") {
			t.Errorf("%q is not of the form .It Fl -NAME Ns = Ns Ar ARG", line)
		}
		if rest, ok := strings.CutPrefix(line, "Default:"); ok {
			it := found[name]
			if it.standard != "" {
				t.Errorf("--%s has two defaults", name)
			}
			if it.standard = strings.TrimSpace(rest); it.standard == "" {
				it.standard = lines[i+1]
			}
			found[name] = it
		}
	}
	return found
}

// standard is what the page must say of an option's default.
func standard(o config.Option) string {
	switch {
	case o.Default != "":
		return ".Cm " + o.Default + " ."
	case o.DefaultText != "":
		return o.DefaultText + "."
	}
	return "none."
}

func TestRunOptions(t *testing.T) {
	found := items(t)
	for _, o := range config.Options() {
		it, ok := found[o.Name]
		if !ok {
			t.Errorf("--%s is not in the page", o.Name)
			continue
		}
		if want := standard(o); it.standard != want {
			t.Errorf("--%s: the page says Default: %q, want %q", o.Name, it.standard, want)
		}
		want := o.Group
		if o.Common {
			want = ""
		}
		if it.group != want {
			t.Errorf("--%s is under %q, want %q", o.Name, it.group, want)
		}
		delete(found, o.Name)
	}
	for name := range found {
		t.Errorf("--%s is in the page only", name)
	}
}

var mentioned = regexp.MustCompile(`(?m)^\.Fl -([a-z-]+)`)

// TestNotReloadable compares the list of the options that need a restart.
func TestNotReloadable(t *testing.T) {
	_, list, found := strings.Cut(section(t, "availd.conf.5", "RELOAD"), "All options can be changed but\n")
	if !found {
		t.Fatal("no list of exceptions")
	}
	list, _, _ = strings.Cut(list, "need a restart")
	var got, want []string
	for _, m := range mentioned.FindAllStringSubmatch(list, -1) {
		got = append(got, m[1])
	}
	for _, o := range config.Options() {
		if !o.Reloadable {
			want = append(want, o.Name)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the page says %q, want %q", got, want)
	}
}

var unitKey = regexp.MustCompile(`(?m)^\.It Li ([a-z-]+)= Ns Ar`)

// TestUnitKeys compares the keys that only a whole service has, and its addresses.
func TestUnitKeys(t *testing.T) {
	var got []string
	for _, m := range unitKey.FindAllStringSubmatch(section(t, "availd.conf.5", "A WHOLE SERVICE"), -1) {
		got = append(got, m[1])
	}
	want := []string{"listen"}
	for _, o := range config.UnitOptions() {
		want = append(want, o.Name)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("the page says %q, want %q", got, want)
	}
}
