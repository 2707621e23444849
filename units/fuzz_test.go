package units

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/availd/availd/internal/testutil"
)

// FuzzGenerate asks for any words in all places. What is generated has no line and no
// section that was not asked for: the lines of a service of the same shape with harmless
// words in their place, but for the values, and no line goes on in the next.
func FuzzGenerate(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add("127.0.0.1:8080", "MemoryMax=1G", "Environment=A=b", "limit=5", "a b")
	f.Add("/run/web.sock", "User=daemon", "Description=x\\", "name=\\", "/home/me")
	f.Add("@web\\", "Restart=no", "After=a\n[Service]", "x=[Y]", "\n[Service]")
	f.Add("@\xff", "TimeoutStopSec=5", "Description=\xff", "#=x", "\xff")
	f.Add("[::1]:80", "ProtectHome=no", "ReadWritePaths=/dev/sda /tmp", "protocol=inetd", "%n$x;")
	f.Add("8080", "DeviceAllow=/dev/kvm rw", "LimitNOFILE=9", "min-spare=3", "/dev/kvm")
	f.Add("@x\\\\", "KillSignal=SIGKILL", "Environment=\u2028\u0085", "; =", "\\")
	for _, address := range []string{"@web\\", "/run/x\\", "@\xff", "@\u200b\u2028", "/run/[Service]", "@;x"} { // and nothing else that is odd
		f.Add(address, "MemoryMax=1G", "Environment=A=b", "limit=5", "a")
	}
	for _, property := range []string{"Description=\xff", "Description=x\\\\", "Description= \t", "Description=\x1b[2J", "MemoryMax=x\\ "} {
		f.Add("@web", property, "Environment=A=b", "limit=5", "a")
	}
	for _, run := range []string{"#=x", "limit= 5 ", "a b=c", "[x]=y", "name=\xff", "=x", ";=", "limit=\x85"} {
		f.Add("@web", "MemoryMax=1G", "Environment=A=b", run, "a")
	}
	f.Fuzz(func(t *testing.T, address, first, second, run, word string) {
		for home, command := range map[string][]string{"": append(web().Command, word), "/home/me/.config": append(web().Command, word), "/home/me": {word}} {
			o := web()
			o.ConfigHome, o.Listen, o.StatusListen, o.Properties, o.Run = home, []string{address}, address, []string{first, second}, []string{"--" + run}
			o.Command = command
			set, err := Generate(o)
			if err != nil {
				oneLine(t, err.Error())
				continue
			}
			for _, note := range set.Notes {
				oneLine(t, note)
			}
			asked := []string{key(first), key(second)}
			for name, text := range map[string][]byte{"service": set.Service, "socket": set.Socket, "status": set.Status, "backoff": set.Backoff} {
				unitText(t, name, text, asked)
			}
			name, value, _ := strings.Cut(run, "=")
			if want := "\n" + name + "=" + value + "\n"; !bytes.Contains(append([]byte("\n"), set.Conf...), []byte(want)) {
				t.Fatalf("%q is not in\n%s", want, set.Conf)
			}
			for line := range strings.Lines(string(set.Conf)) {
				if text := strings.TrimSpace(line); text != "" && text[0] != '#' && line != name+"="+value+"\n" {
					t.Fatalf("%q was not asked for", line)
				}
			}
		}
	})
}

func key(property string) string {
	key, _, _ := strings.Cut(property, "=")
	return key
}

func oneLine(t *testing.T, text string) {
	if strings.ContainsAny(text, "\r\n\x00\x1b") {
		t.Fatalf("%q is not one line", text)
	}
}

// unitText wants the sections of a unit in their order, settings of which systemd knows
// the form, each of the template or asked for, and nothing that reads otherwise to systemd.
func unitText(t *testing.T, name string, text []byte, asked []string) {
	if !utf8.Valid(text) || bytes.ContainsAny(text, "\r\x00") {
		t.Fatalf("%s: systemd does not read %q", name, text)
	}
	known := []string{"[Unit]", "[Socket]", "[Service]", "[Install]"}
	place := -1
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		start := strings.TrimLeft(line, " \t\f\v")
		if start == "" || start[0] == '#' || start[0] == ';' {
			continue
		}
		if goesOn(line) {
			t.Fatalf("%s: %q goes on in the next line", name, line)
		}
		if start[0] == '[' {
			at := slices.Index(known, line)
			if at <= place {
				t.Fatalf("%s: section %q", name, line)
			}
			place = at
			continue
		}
		k, _, found := strings.Cut(line, "=")
		if !found || !keyForm(k) || place < 0 {
			t.Fatalf("%s: %q is no setting", name, line)
		}
		if !templateKeys[k] && (name != "service" || !slices.Contains(asked, k)) {
			t.Fatalf("%s: %q was not asked for", name, line)
		}
	}
}

// goesOn is what config_parse of systemd looks for: a backslash at the end that no other
// one escapes.
func goesOn(line string) bool {
	escaped := false
	for i := range len(line) {
		escaped = !escaped && line[i] == '\\'
	}
	return escaped
}

// templateKeys are the settings that the templates have.
var templateKeys = func() map[string]bool {
	keys := map[string]bool{}
	entries, err := files.ReadDir("templates")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		text, err := files.ReadFile("templates/" + e.Name())
		if err != nil {
			panic(err)
		}
		for line := range strings.Lines(string(text)) {
			for _, part := range strings.Split(line, "}}") {
				if k, _, found := strings.Cut(part, "="); found && keyForm(k) {
					keys[k] = true
				}
			}
		}
	}
	return keys
}()
