package config

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPrecedence(t *testing.T) {
	name := writeFile(t, "limit=5\nidle-timeout=7\nlisten=:1\nlisten=:2\nname=file")
	for _, tt := range []struct {
		about string
		args  []string
		want  Config
	}{
		{"the file beats the defaults", nil, Config{Limit: 5, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":1", ":2"}}},
		{"the command line beats the file", []string{"limit=9"}, Config{Limit: 9, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":1", ":2"}}},
		{"also with the default's value", []string{"limit=100"}, Config{Limit: 100, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":1", ":2"}}},
		{"the last of two counts", []string{"limit=9", "limit=8"}, Config{Limit: 8, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":1", ":2"}}},
		{"a list replaces the file's", []string{"listen=:8"}, Config{Limit: 5, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":8"}}},
		{"a list keeps its order", []string{"listen=:9", "listen=:8"}, Config{Limit: 5, IdleTimeout: 7 * time.Second, Name: "file", Listen: []string{":9", ":8"}}},
	} {
		for _, args := range [][]string{
			append([]string{"config=" + name}, tt.args...),
			append(slices.Clone(tt.args), "config="+name), // its place does not matter
		} {
			c, err := load(args...)
			got := Config{Limit: c.Limit, IdleTimeout: c.IdleTimeout, Name: c.Name, Listen: c.Listen}
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s: got %+v, %v; want %+v", tt.about, got, err, tt.want)
			}
		}
	}
}

// A reload calls Load again with the same arguments.
func TestLoadTwice(t *testing.T) {
	settings := []Setting{{"listen", ":1"}, {"listen", ":2"}}
	first, err1 := Load(settings, command)
	first.Listen[0], first.Command[0] = "changed", "changed"
	second, err2 := Load(settings, command)
	if err1 != nil || err2 != nil || second.Listen[0] != ":1" || len(second.Listen) != 2 || second.Command[0] != "/bin/worker" {
		t.Errorf("got %+v, %v, %v", second, err1, err2)
	}
}

func TestLoadRefuses(t *testing.T) {
	bad := writeFile(t, "nonsense")
	for _, tt := range []struct {
		settings []Setting
		command  []string
		want     string
		file     bool
	}{
		{nil, nil, "COMMAND is missing after --", false},
		{nil, []string{""}, "COMMAND is missing after --", false},
		{nil, []string{"", "x"}, "COMMAND is missing after --", false},
		{[]Setting{{"limits", "5"}}, command, "--limits: unknown option, did you mean limit?", false},
		{[]Setting{{"config", bad}}, command, bad + ":1: nonsense: unknown option", true},
		// both are wrong: the command line is what the operator is looking at
		{[]Setting{{"config", bad}, {"limit", "x"}}, command, "--limit=x: not a decimal number", false},
		// a value that a later one overrides is still a mistake
		{[]Setting{{"limit", "x"}, {"limit", "5"}}, command, "--limit=x: not a decimal number", false},
	} {
		_, err := Load(tt.settings, tt.command)
		var e *Error
		if !errors.As(err, &e) || !strings.HasPrefix(err.Error(), tt.want) || e.IsFile() != tt.file {
			t.Errorf("%v: got %v, want %s", tt.settings, err, tt.want)
		}
	}
}

func TestChanged(t *testing.T) {
	reloadable := "min-spare=1 limit=5 max-starting=3 max-requests=1 idle-timeout=1 max-lifetime=1 start-timeout=1 " +
		"busy-timeout=1 retire-timeout=1 stop-timeout=1 stress=off stress-hold=1 throttle=2 throttle-max=3 " +
		"retire-signal=INT max-memory=9M slow-after=1 slow-signal=USR1 worker-watchdog=1 queue-delay=1 log-level=debug"
	fixed := "protocol=notify name=a listen=:1 config=FILE notify-access=all notify-socket=@a control=/a log-format=text"
	fixed = strings.Replace(fixed, "FILE", writeFile(t, ""), 1)
	before, err := load()
	if err != nil {
		t.Fatal(err)
	}
	for _, arg := range strings.Fields(reloadable + " " + fixed) {
		after, err := load(arg)
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		if strings.Contains(fixed, arg) {
			name, _, _ := strings.Cut(arg, "=")
			want = []string{name}
		}
		if got, _ := Changed(before, after); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", arg, got, want)
		}
	}
	after := before
	after.Command, after.Name, after.Control = []string{"/bin/worker"}, "b", "/b"
	if got, _ := Changed(before, after); !slices.Equal(got, []string{"name", "control"}) {
		t.Errorf("got %v", got)
	}
	if got, _ := Changed(after, after); got != nil {
		t.Errorf("got %v for no change", got)
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"limt": "limit", "--limit": "limit", "LIMIT": "limit", "ilmit": "limit", "min_spare": "min-spare",
		"max-request": "max-requests", "throtle": "throttle", "logformat": "log-format",
		"": "", "x": "", "colour": "", "workers": "", strings.Repeat("limit", 10): "",
	} {
		if got := Nearest(name); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
