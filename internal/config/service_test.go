package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

const oneFile = `# a whole service
command=/usr/bin/php-cgi -d 'a b=c d' # x
listen=/run/web.sock
listen=8080
limit=20
property=User=www-data
property=MemoryMax=1G
socket-group=www-data
status-listen=127.0.0.1:9080
`

func TestReadService(t *testing.T) {
	text := strings.Replace(oneFile, " # x", "", 1)
	s, found, err := ReadService(writeFile(t, text))
	if err != nil || !found || s.Mistakes != nil {
		t.Fatalf("found %t, %v, %v", found, err, s.Mistakes)
	}
	want := UnitKeys{
		Properties: []string{"User=www-data", "MemoryMax=1G"}, SocketGroup: "www-data", StatusListen: "127.0.0.1:9080", Enabled: true,
	}
	if !reflect.DeepEqual(s.Units, want) || !slices.Equal(s.Command, []string{"/usr/bin/php-cgi", "-d", "a b=c d"}) ||
		!slices.Equal(s.Listen, []string{"/run/web.sock", "8080"}) || !slices.Equal(s.Settings, []Setting{{"limit", "20"}}) {
		t.Errorf("got %+v", s)
	}
	for _, place := range []struct {
		key, value string
		line       int
	}{{"listen", "8080", 4}, {"listen", "/run/web.sock", 3}, {"property", "", 7}, {"command", "", 2}, {"agent-listen", "", 0}} {
		if e := s.Fault(place.key, place.value, "wrong"); e.Line != place.line || e.File != s.File {
			t.Errorf("%s=%s is in line %d", place.key, place.value, e.Line)
		}
	}
}

// TestPlainFile: the configuration of a unit that somebody else has written is left alone,
// whatever is wrong with it.
func TestPlainFile(t *testing.T) {
	for _, text := range []string{"", "limit=5", "limit=x\nnonsense", "listen=80\nproperty=User=x", "#command=/bin/x"} {
		if _, found, err := ReadService(writeFile(t, text)); found || err != nil {
			t.Errorf("%q: found %t, %v", text, found, err)
		}
	}
	if _, found, err := ReadService(t.TempDir()); found || err == nil {
		t.Errorf("a directory: found %t, %v", found, err)
	}
}

// TestServiceMistakes: each is told, with its line, and what is right counts.
func TestServiceMistakes(t *testing.T) {
	name := writeFile(t, "limit=5\nlimit=many\nlimt=4\ncommand='x\nproperty=User\nenabled=maybe\nlisten=80\nmin-spare=6")
	s, found, err := ReadService(name)
	if err != nil || !found || s.Limit != 5 || !slices.Equal(s.Listen, []string{"80"}) || s.Command != nil || !s.Units.Enabled {
		t.Errorf("found %t, %v, %+v", found, err, s)
	}
	var got []string
	for _, m := range s.Mistakes {
		place, reason, _ := strings.Cut(strings.TrimPrefix(m.Error(), name), ": ")
		got = append(got, place+" "+reason)
	}
	want := []string{
		":2 limit=many: not a decimal number", ":3 limt: unknown option, did you mean limit?", ":4 command='x: a quote ' is not closed",
		":5 property=User: no KEY=VALUE", ":6 enabled=maybe: neither yes nor no", ":8 min-spare=6: more than --limit=5 allows",
	}
	if len(got) != len(want) {
		t.Fatalf("got %q", got)
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("got %q, want %q", got[i], want[i])
		}
	}
}

// TestLoadOneFile: the command of the file counts where the command line has none.
func TestLoadOneFile(t *testing.T) {
	settings := []Setting{{"config", writeFile(t, "command=/bin/a -v\nlisten=80\nproperty=User=x")}}
	c, err := Load(settings, nil)
	if err != nil || !slices.Equal(c.Command, []string{"/bin/a", "-v"}) || !c.OneFile || !c.ListenOfUnit || c.ExitIdleTime != 10*time.Minute || !c.ExitIdleByDefault {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = Load(settings, command)
	if err != nil || !slices.Equal(c.Command, command) || !c.OneFile {
		t.Errorf("with a command of its own: %+v, %v", c, err)
	}
	c, err = Load(append(settings, Setting{"listen", "81"}), nil)
	if err != nil || c.ListenOfUnit || !slices.Equal(c.Listen, []string{"81"}) {
		t.Errorf("with an address of its own: %+v, %v", c, err)
	}
	for text, want := range map[string]time.Duration{"exit-idle-time=never": 0, "exit-idle-time=5s": 5 * time.Second} {
		c, err := Load([]Setting{{"config", writeFile(t, "command=/bin/a\n"+text)}}, nil)
		if err != nil || c.ExitIdleTime != want || c.ExitIdleByDefault {
			t.Errorf("%s: %v, %v", text, c.ExitIdleTime, err)
		}
	}
	if c, err := Load([]Setting{{"config", writeFile(t, "command=/bin/a\nmin-spare=1")}}, nil); err != nil || !c.ExitIdleByDefault {
		t.Errorf("with spares: %v, %v", c.ExitIdleTime, err)
	}
	for text, want := range map[string]string{
		"limit=5":            "no command=, and COMMAND is missing after --: give one of them",
		"command=":           ":1: command=: empty",
		"command=/bin/x # y": "a comment needs a line of its own",
		"Command=/bin/x":     "did you mean command?",
		"property=x":         "no KEY=VALUE",
		"propertie=User=x":   "did you mean property?",
		"command=/bin/x {stress}\ntemplate=worker\nprotocol=notify":    "not possible with {stress}",
		"command=/bin/x\ntemplate=worker\nprotocol=queue\npreload=yes": "not possible with --template=worker",
	} {
		if _, err := Load([]Setting{{"config", writeFile(t, text)}}, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestChangedUnits: a changed command is for a reload, what units are made of for systemd.
func TestChangedUnits(t *testing.T) {
	load := func(text string) Config {
		c, err := Load([]Setting{{"config", writeFile(t, text)}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		c.File = "" // not in question
		return c
	}
	before := load("command=/bin/a\nlisten=80\nproperty=User=x")
	for text, want := range map[string][]string{
		"command=/bin/b -x\nlisten=80\nproperty=User=x\nlimit=7":                {},
		"command=/bin/a\nlisten=80\nlisten=81\nproperty=User=x":                 {"listen"},
		"command=/bin/a\nlisten=80\nproperty=User=y\nenabled=no":                {"property"},
		"command=/bin/a\nlisten=80\nproperty=User=x\nprotocol=queue\nname=z":    {"protocol", "name"},
		"command=/bin/a\nlisten=80\nproperty=User=x\nsocket-group=a":            {"socket-group"},
		"command=/bin/a\nlisten=80\nproperty=User=x\nstatus-listen=127.0.0.1:9": {"status-listen"},
	} {
		names, units := Changed(before, load(text))
		if !slices.Equal(names, want) && len(names)+len(want) > 0 || units != (len(want) > 0) {
			t.Errorf("%q: %q, %t; want %q", text, names, units, want)
		}
	}
	after := before
	after.LogFormat = "text"
	if names, units := Changed(before, after); !slices.Equal(names, []string{"log-format"}) || units {
		t.Errorf("%q, %t", names, units)
	}
}
