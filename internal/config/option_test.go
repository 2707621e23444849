package config

import (
	"errors"
	"maps"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/protocol"
)

var command = []string{"/bin/worker", "-v"}

// load makes settings of "name=value" arguments.
func load(args ...string) (Config, error) {
	var settings []Setting
	for _, a := range args {
		name, value, _ := strings.Cut(a, "=")
		settings = append(settings, Setting{name, value})
	}
	return Load(settings, command)
}

func TestDefault(t *testing.T) {
	want := Config{
		Protocol: protocol.Auto, Template: TemplateOff, Preload: "no", Limit: 100, MaxStarting: runtime.NumCPU(), StartingApart: true,
		IdleTimeout: 100 * time.Second, StartTimeout: 30 * time.Second, StopTimeout: 30 * time.Second, DumpTimeout: 2 * time.Minute,
		Stress: StressAuto, StressHold: 1000 * time.Second,
		Throttle: time.Second, ThrottleMax: time.Minute,
		SlowSignal: SlowNone, QueueDelay: 20 * time.Millisecond, NotifyAccess: AccessMain,
		LogLevel: "info", LogFormat: "auto", Units: UnitKeys{Enabled: true},
	}
	if got := Default(); !reflect.DeepEqual(got, want) {
		t.Errorf("Default() = %+v\nwant %+v", got, want)
	}
	want.Command = command
	if got, err := load(); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Load() = %+v, %v\nwant %+v", got, err, want)
	}
}

func TestDefaultPanics(t *testing.T) {
	broken := Options()
	broken[0].Default = "many"
	defer func() {
		if got := recover(); got != "config: default of limit: not a decimal number" {
			t.Errorf("got %v", got)
		}
	}()
	defaults(broken)
}

// What all options of one sort refuse.
var (
	badNumbers = map[string]string{
		"": "empty", "0x10": "not a decimal", "1e3": "not a decimal", "+5": "not a decimal", " 5": "not a decimal",
		"1_000": "not a decimal", "1,000": "not a decimal", "5.0": "not a decimal", "٣": "not a decimal",
		"010": "leading zero, write 10", "00": "leading zero, write 0",
		"-1": "negative", "99999999999999999999": "too large", "1000000001": "too large",
	}
	badSpans = map[string]string{
		"": "empty", "-1": "negative", "5x": `unknown unit "x"`, "999us": "too short",
		"11y": "too long", "1e3": `unknown unit "e"`, "soon": "not a time span",
	}
	badPaths = map[string]string{
		"": "empty", "run/x": "not an absolute path", "/run/": "a directory",
		"/" + strings.Repeat("x", 107): "too long", "/a\nb": "control character", "/\xff": "not UTF-8",
	}
)

// TestOptions gives every option good values, with the field they must arrive
// in, and bad ones, with a part of the reason.
func TestOptions(t *testing.T) {
	covered := map[string]bool{}
	empty := writeFile(t, "")
	path107 := "/" + strings.Repeat("x", 106)
	for _, tt := range []struct {
		option string
		get    func(Config) any
		good   map[string]any
		bad    map[string]string
		with   string // another setting that the good values need
	}{
		{
			option: "limit", get: func(c Config) any { return c.Limit },
			good: map[string]any{"0": 0, "unlimited": 0, "1": 1, "1000000": 1000000},
			bad:  merge(badNumbers, "1000001", "too large", "infinity", "not a decimal", "never", "not a decimal", "Unlimited", "not a decimal"),
		},
		{
			option: "min-spare", get: func(c Config) any { return c.MinSpare }, with: "limit=0",
			good: map[string]any{"0": 0, "7": 7, "1000000": 1000000}, bad: merge(badNumbers, "1000001", "too large", "never", "not a decimal"),
		},
		{
			option: "max-starting", get: func(c Config) any { return [2]any{c.MaxStarting, c.StartingApart} },
			good: map[string]any{"1": [2]any{1, false}, "500": [2]any{500, false}, "auto": [2]any{runtime.NumCPU(), true}}, bad: merge(badNumbers, "0", "too small", "AUTO", "not a decimal"),
		},
		{
			option: "max-requests", get: func(c Config) any { return c.MaxRequests },
			good: map[string]any{"0": 0, "never": 0, "1000000000": 1000000000}, bad: merge(badNumbers, "unlimited", "not a decimal"),
		},
		{
			option: "max-memory", get: func(c Config) any { return c.MaxMemory },
			good: map[string]any{"0": int64(0), "never": int64(0), "infinity": int64(0), "200M": int64(200 << 20), "1G": int64(1 << 30), "1048576": int64(1 << 20), "2048K": int64(2 << 20), "1024T": int64(1 << 50)},
			bad: map[string]string{
				"": "empty", "M": "empty", "1.5G": "not a decimal", "10m": "not a decimal", "50%": "not a decimal", "010M": "leading zero, write 10", "-1M": "negative",
				"1023K": "too small", "1025T": "too large", "99999999999999999999": "too large", "9999999999999999M": "too large",
			},
		},
		{
			option: "max-per-source", get: func(c Config) any { return c.MaxPerSource },
			good: map[string]any{"0": 0, "unlimited": 0}, bad: merge(badNumbers, "5", "only with --protocol=inetd"),
		},
		{
			option: "protocol", get: func(c Config) any { return c.Protocol },
			good: map[string]any{"auto": protocol.Auto, "notify": protocol.Notify, "queue": protocol.Queue, "fastcgi": protocol.FastCGI},
			bad:  map[string]string{"": "empty", "Notify": "unknown word", "scgi": "unknown word"},
		},
		{
			option: "template", get: func(c Config) any { return c.Template }, with: "protocol=queue",
			good: map[string]any{"off": TemplateOff, "worker": TemplateWorker, "preload": TemplatePreload},
			bad:  map[string]string{"": "empty", "yes": "unknown word", "Worker": "unknown word"},
		},
		{
			option: "template-idle", get: func(c Config) any { return c.TemplateLeaves() }, with: "template=worker",
			good: spans("0", "infinity", "never"), bad: badSpans,
		},
		{
			option: "preload", get: func(c Config) any { return c.Preload }, with: "protocol=queue",
			good: map[string]any{"yes": "yes", "On": "yes", "1": "yes", "no": "no", "off": "no", "/usr/lib/x.so": "/usr/lib/x.so"},
			bad: map[string]string{
				"": "empty", "maybe": "neither yes nor no", "x.so": "neither yes nor no", "/a b.so": "LD_PRELOAD cannot hold", "/a:b.so": "LD_PRELOAD cannot hold", "/a\n": "LD_PRELOAD cannot hold",
			},
		},
		{
			option: "name", get: func(c Config) any { return c.Name },
			good: map[string]any{"web": "web", `a@b-c\x2d:1.d_e`: `a@b-c\x2d:1.d_e`, strings.Repeat("n", 255): strings.Repeat("n", 255)},
			bad: map[string]string{
				"": "empty", "a/b": "not a name", "-x": "not a name", "..": "not a name", "a b": "not a name",
				"é": "not a name", "a\n": "control", strings.Repeat("n", 256): "too long",
			},
		},
		{
			option: "listen", get: func(c Config) any { return strings.Join(c.Listen, " ") },
			good: map[string]any{
				"127.0.0.1:8080": "127.0.0.1:8080", ":80": ":80", "8080": "8080", "[::1]:0": "[::1]:0", "host.example:65535": "host.example:65535",
				path107: path107, "@a": "@a", "@" + path107: "@" + path107,
			},
			bad: map[string]string{
				"": "empty", "80800": "bad port", "x": "not an address", "::1:80": "not an address", "h:http": "bad port", "h:": "bad port",
				"h:65536": "bad port", "h:080": "bad port", "a b:1": "not a host", "@": "no name", path107 + "x": "too long", "/run/": "a directory", "@" + path107 + "x": "too long",
			},
		},
		{option: "idle-timeout", get: func(c Config) any { return c.IdleTimeout }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "max-lifetime", get: func(c Config) any { return c.MaxLifetime }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "start-timeout", get: func(c Config) any { return c.StartTimeout }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "busy-timeout", get: func(c Config) any { return c.BusyTimeout }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "dump-timeout", get: func(c Config) any { return c.DumpTimeout }, good: spans("0"), bad: merge(badSpans, "infinity", "too long", "never", "not a time span")},
		{option: "retire-timeout", get: func(c Config) any { return c.RetireTimeout }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "worker-watchdog", get: func(c Config) any { return c.WorkerWatchdog }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "exit-idle-time", get: func(c Config) any { return c.ExitIdleTime }, good: spans("0", "infinity", "never"), bad: badSpans},
		{option: "stop-timeout", get: func(c Config) any { return c.StopTimeout }, good: spans(), bad: merge(badSpans, "0", "too short", "infinity", "too long", "never", "not a time span")},
		{option: "stress-hold", get: func(c Config) any { return c.StressHold }, good: spans(), bad: merge(badSpans, "0", "too short", "infinity", "too long", "never", "not a time span")},
		{option: "throttle", get: func(c Config) any { return c.Throttle }, with: "throttle-max=10y", good: spans(), bad: merge(badSpans, "0", "too short", "infinity", "too long", "never", "not a time span")},
		{option: "throttle-max", get: func(c Config) any { return c.ThrottleMax }, with: "throttle=1ms", good: spans(), bad: merge(badSpans, "0", "too short", "infinity", "too long", "never", "not a time span")},
		{option: "queue-delay", get: func(c Config) any { return c.QueueDelay }, good: spans(), bad: merge(badSpans, "0", "too short", "infinity", "too long", "never", "not a time span")},
		{
			option: "stress", get: func(c Config) any { return c.Stress },
			good: map[string]any{"auto": StressAuto, "restart": StressRestart, "flag": StressFlag, "off": StressOff},
			bad:  map[string]string{"": "empty", "yes": "unknown word", "Off": "unknown word"},
		},
		{
			option: "retire-signal", get: func(c Config) any { return c.RetireSignal },
			good: map[string]any{"TERM": "TERM", "sigusr1": "USR1", "quiesce": "quiesce", "none": "none", "15": "TERM"},
			bad:  map[string]string{"": "empty", "KILL": "no worker finish", "9": "no worker finish", "STOP": "do not ask", "18": "do not ask", "FOO": "unknown signal"},
		},
		{
			option: "slow-after", get: func(c Config) any { return c.SlowAfter },
			good: spans("0", "infinity", "never"), bad: badSpans,
		},
		{
			option: "slow-signal", get: func(c Config) any { return c.SlowSignal },
			good: map[string]any{"none": "none", "sigusr1": "USR1", "QUIT": "QUIT", "RTMIN+3": "RTMIN+3", "10": "USR1"},
			bad:  map[string]string{"": "empty", "KILL": "no program can have a handler", "19": "no program can have a handler", "quiesce": "unknown signal"},
		},
		{
			option: "notify-access", get: func(c Config) any { return c.NotifyAccess },
			good: map[string]any{"main": AccessMain, "all": AccessAll}, bad: map[string]string{"": "empty", "exec": "unknown word"},
		},
		{
			option: "notify-socket", get: func(c Config) any { return c.NotifySocket },
			good: map[string]any{path107: path107, "@x": "@x"}, bad: merge(badPaths, "@", "no name", "@\x00", "control character"),
		},
		{
			option: "control", get: func(c Config) any { return c.Control },
			good: map[string]any{path107: path107}, bad: merge(badPaths, "@x", "not an absolute path"),
		},
		{
			option: "log-level", get: func(c Config) any { return c.LogLevel },
			good: map[string]any{"debug": "debug", "info": "info", "warn": "warn", "error": "error"}, bad: map[string]string{"": "empty", "notice": "unknown word"},
		},
		{
			option: "log-format", get: func(c Config) any { return c.LogFormat },
			good: map[string]any{"auto": "auto", "text": "text", "json": "json", "journal": "journal"}, bad: map[string]string{"": "empty", "xml": "unknown word"},
		},
		{
			option: "config", get: func(c Config) any { return c.File },
			good: map[string]any{empty: empty},
			bad:  map[string]string{"": "empty", "a\x00b": "control character"},
		},
	} {
		t.Run(tt.option, func(t *testing.T) {
			covered[tt.option] = true
			for value, want := range tt.good {
				args := []string{tt.option + "=" + value}
				if tt.with != "" {
					args = append(args, tt.with)
				}
				c, err := load(args...)
				if err != nil {
					t.Errorf("%q: %v", value, err)
				} else if got := tt.get(c); got != want {
					t.Errorf("%q: got %v, want %v", value, got, want)
				}
			}
			for value, reason := range tt.bad {
				_, err := load(tt.option + "=" + value)
				isRefused(t, err, tt.option, value, reason)
			}
		})
	}
	for _, o := range Options() {
		if !covered[o.Name] {
			t.Errorf("no test of --%s", o.Name)
		}
	}
}

// isRefused checks an error of the command line: its fields, and that its text
// names the option, what was given and what is wrong.
func isRefused(t *testing.T, err error, option, value, reason string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) {
		t.Errorf("--%s=%q: got %v, want an *Error", option, value, err)
		return
	}
	if e.Option != option || e.Value != value || e.IsFile() || e.Line != 0 {
		t.Errorf("--%s=%q: got %#v", option, value, e)
	}
	text := e.Error()
	if !strings.HasPrefix(text, "--"+option+"=") || !strings.Contains(text, reason) {
		t.Errorf("--%s=%q: got %q, want %q in it", option, value, text, reason)
	}
	if e.Want == "" && !strings.Contains(text, "--protocol=") {
		t.Errorf("--%s=%q: %q does not say what is accepted", option, value, text)
	}
}

// merge returns common with the pairs of more added.
func merge(common map[string]string, more ...string) map[string]string {
	all := maps.Clone(common)
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

// spans are values that every duration takes, and those that mean off.
func spans(off ...string) map[string]any {
	good := map[string]any{
		"1ms": time.Millisecond, "90": 90 * time.Second, "1min 30s": 90 * time.Second,
		"10y": 87660 * time.Hour, "1.5": 1500 * time.Millisecond,
	}
	for _, o := range off {
		good[o] = time.Duration(0)
	}
	return good
}

// TestTable checks what the help, the manual page and the flags rely on.
func TestTable(t *testing.T) {
	seen, group := map[string]bool{}, 0
	var common []string
	for _, o := range Options() {
		if seen[o.Name] {
			t.Errorf("%s is there twice", o.Name)
		}
		seen[o.Name] = true
		for o.Group != Groups()[group] {
			if group++; group == len(Groups()) {
				t.Fatalf("%s: group %q is unknown or out of order", o.Name, o.Group)
			}
		}
		if !strings.Contains(o.Help, o.Arg) || o.Arg == "" || strings.ContainsAny(o.Help, "`\n") {
			t.Errorf("%s: %q cannot be a help text with argument %q", o.Name, o.Help, o.Arg)
		}
		if o.Accepts() == "" || o.Repeatable != (o.kind.clear != nil) {
			t.Errorf("%s: incomplete", o.Name)
		}
		if o.Default != "" && o.DefaultText != "" {
			t.Errorf("%s: two defaults", o.Name)
		}
		if s := (Setting{o.Name, o.Default}); o.Default != "" && s.InWords() != s || strings.Contains(o.Help, "0 =") {
			t.Errorf("%s: default %s, %q: say never or unlimited", o.Name, o.Default, o.Help)
		}
		if o.Common {
			common = append(common, o.Name)
		}
	}
	// What fits on the first page: a further one takes the place of one of these.
	if len(common) != 10 {
		t.Errorf("common are the %d options %q", len(common), common)
	}
	Options()[0].Name = "mine"
	if table[0].Name != "limit" {
		t.Error("Options hands out the table itself")
	}
}

// TestWords: a 0 that is no amount is shown as a word, and that is read back.
func TestWords(t *testing.T) {
	for given, want := range map[Setting]string{
		{"limit", "0"}: "unlimited", {"limit", "unlimited"}: "unlimited", {"limit", "7"}: "7", {"limit", "many"}: "many",
		{"max-requests", "0"}: "never", {"busy-timeout", "0"}: "never", {"busy-timeout", "infinity"}: "never", {"busy-timeout", "0ms"}: "never",
		{"busy-timeout", "90"}: "90", {"template-idle", "0"}: "never", {"min-spare", "0"}: "0", {"dump-timeout", "0"}: "0",
		{"stop-timeout", "0"}: "0", {"stress", "off"}: "off", {"no-such", "0"}: "0",
	} {
		if got := given.InWords(); got.Name != given.Name || got.Value != want {
			t.Errorf("%v: %v, want %s", given, got, want)
		}
	}
	for i := range table {
		o := &table[i]
		if o.kind.zero == "" {
			continue
		}
		var c Config
		if err := o.kind.set(&c, string(o.kind.zero)); err != nil || o.kind.show(&c) != string(o.kind.zero) || !strings.Contains(o.Accepts(), string(o.kind.zero)) {
			t.Errorf("%s=%s is shown as %s (%v), accepted is %s", o.Name, o.kind.zero, o.kind.show(&c), err, o.Accepts())
		}
	}
}
