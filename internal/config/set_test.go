package config

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/state"
)

// TestChangeRefuses: what availd set refuses it refuses with the words that the file gets,
// but for the place.
func TestChangeRefuses(t *testing.T) {
	for _, file := range []string{"", "min-spare=3\n", "min-spare=3\nexit-idle-time=0\n", "protocol=inetd\n"} {
		base, err := load("config=" + writeFile(t, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{
			"limit=abc", "limit=none", "limit=-1", "limit=01", "limit=1000001", "limit=0x10", "limit", "limit=5 # for now", "limit==5",
			"min-spare=two", "min-spare=101", "min-spare=1", "max-starting=0", "max-starting=automatic",
			"idle-timeout=soon", "idle-timeout=1us", "idle-timeout=1h 5", "idle-timeout=-1",
			"--limit=5", "limits=5", "LIMIT=5", "=5", "x", "[Service]", "config=/etc/x", "limit=\x00",
		} {
			name := writeFile(t, file+line+"\n")
			_, want := load("config=" + name)
			_, _, got := base.Change(nil, line)
			if want == nil {
				if got != nil {
					t.Errorf("%q: refused, %v", line, got)
				}
				continue
			}
			place, text, _ := strings.Cut(want.Error(), ": ")
			var e *Error
			if got == nil || !errors.As(got, &e) || got.Error() != text {
				t.Errorf("%q: got %v, the file gets %s: %s", line, got, place, text)
			}
		}
	}
}

// TestChangeOnlySettable: what cannot be set says where it is changed instead.
func TestChangeOnlySettable(t *testing.T) {
	base, _ := load()
	for line, want := range map[string]string{
		"command=a":       "command=a: not possible with availd set; change it in the configuration and reload the service; ",
		"max-requests=5":  "max-requests=5: not possible with availd set; change it in the configuration and reload the service; ",
		"protocol=notify": "protocol=notify: not possible with availd set; change it in the configuration and restart the service; ",
	} {
		_, _, err := base.Change(nil, line)
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "limit") {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestChange(t *testing.T) {
	base, err := load("config=" + writeFile(t, "limit=10\nmin-spare=2\n"))
	if err != nil {
		t.Fatal(err)
	}
	sets, names, err := base.Change(nil, "limit=40\nidle-timeout = 90\nlimit=50\n")
	if err != nil || !slices.Equal(names, []string{"idle-timeout", "limit"}) {
		t.Fatalf("%v, %v, %v", sets, names, err)
	}
	with, err := base.With(sets)
	if err != nil || with.Limit != 50 || with.IdleTimeout != 90*time.Second || with.MinSpare != 2 || base.Limit != 10 {
		t.Errorf("%+v, %v", with, err)
	}
	if with.Value("idle-timeout") != "1min 30s" || sets[1].Value != "1min 30s" {
		t.Errorf("%+v", sets)
	}
	// one of several is bad: none counts
	if again, _, err := base.Change(sets, "limit=60\nmin-spare=x\n"); err == nil || again != nil {
		t.Errorf("%v, %v", again, err)
	}
	// together they fit where each alone does not
	both, _, err := base.Change(sets, "min-spare=60\nlimit=70\n")
	if err != nil || len(both) != 3 {
		t.Errorf("%v, %v", both, err)
	}
	back, _, err := base.Change(both, "min-spare=\nlimit=\nlimit=\n")
	if err != nil || len(back) != 1 || back[0].Option != "idle-timeout" {
		t.Errorf("%v, %v", back, err)
	}
	// what is taken back must leave something that fits
	low, _, err := base.Change(nil, "min-spare=0\nlimit=1\n")
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := base.Change(low, "min-spare="); err == nil {
		t.Error("min-spare of the file is above the limit that was set")
	}
}

// TestKeep: a value is good as long as the line of its option is the same.
func TestKeep(t *testing.T) {
	const before = "limit=10\nmin-spare=2\nmax-starting=auto\n"
	read := func(text string, args ...string) Config {
		t.Helper()
		c, err := load(append([]string{"config=" + writeFile(t, text)}, args...)...)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	base := read(before)
	sets, _, err := base.Change(nil, "limit=40\nmin-spare=20\nidle-timeout=5\nmax-starting=7\n")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		about                 string
		now                   Config
		kept, outdated, unfit string
	}{
		{"nothing", read(before), "limit min-spare max-starting idle-timeout", "", ""},
		{"another option", read(before + "max-requests=7\n"), "limit min-spare max-starting idle-timeout", "", ""},
		{"the order", read("max-starting=auto\nmin-spare=2\n# more\nlimit=10\n"), "limit min-spare max-starting idle-timeout", "", ""},
		{"the limit", read(strings.Replace(before, "limit=10", "limit=20", 1)), "min-spare max-starting idle-timeout", "limit", ""},
		{"the limit, which the command line gives now", read(before, "limit=30"), "min-spare max-starting idle-timeout", "limit", ""},
		{"a line is gone", read("min-spare=2\nmax-starting=auto\n"), "min-spare max-starting idle-timeout", "limit", ""},
		{"a line with the default is new", read(before + "idle-timeout=100s\n"), "limit min-spare max-starting", "idle-timeout", ""},
		{"the limit, below what was set", read(strings.Replace(before, "limit=10", "limit=5", 1)), "max-starting idle-timeout", "limit", "min-spare"},
	} {
		kept, outdated, unfit := c.now.Keep(sets)
		if got := options(kept); got != c.kept {
			t.Errorf("%s: kept %q, want %q", c.about, got, c.kept)
		}
		if got := options(outdated) + "|" + options(unfit); got != c.outdated+"|"+c.unfit {
			t.Errorf("%s: outdated and unfit are %q", c.about, got)
		}
		if _, err := c.now.With(kept); err != nil {
			t.Errorf("%s: %v", c.about, err)
		}
	}
}

func options(sets []Set) string {
	var names []string
	for _, s := range sets {
		names = append(names, s.Option)
	}
	return strings.Join(names, " ")
}

// TestSettable: each settable option can be written down in numbers, and a reload can change
// it.
func TestSettable(t *testing.T) {
	base := Default()
	for _, name := range Settable() {
		o := find(name)
		if !o.Reloadable || o.kind.number == nil || o.kind.text == nil {
			t.Errorf("%s is settable, and not reloadable or no number", name)
			continue
		}
		s := Set{name, base.Value(name), 5}
		if got, err := Unpack(s.Pack()); err != nil || got != s {
			t.Errorf("%+v is read back as %+v, %v", s, got, err)
		}
	}
	if s, err := Unpack(state.Set{Option: 77}); err == nil {
		t.Errorf("got %+v", s)
	}
}
