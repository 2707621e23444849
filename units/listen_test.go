package units

import (
	"slices"
	"strings"
	"testing"
)

func TestListenStream(t *testing.T) {
	for address, want := range map[string]string{
		"80": "80", ":80": "80", "*:80": "80", ":0080": "80",
		"127.0.0.1:8080": "127.0.0.1:8080", "[::1]:8080": "[::1]:8080",
		"[fe80::1%eth0]:80": "[fe80::1%%eth0]:80",
		"/run/web.sock":     "/run/web.sock", "/run/50%.sock": "/run/50%%.sock",
		"@web":                         "@web",
		"/" + strings.Repeat("x", 106): "/" + strings.Repeat("x", 106),
	} {
		if got, err := listenStream(address); err != nil || got != want {
			t.Errorf("%q becomes %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestListenStreamRefuses(t *testing.T) {
	for address, want := range map[string]string{
		"":                             "want a port",
		"0":                            "want a port",
		":65536":                       "want a port",
		"+80":                          "want a port",
		"web":                          "want a port",
		"localhost:80":                 `"localhost" is not an IP address, and systemd looks up no names; try 127.0.0.1:80 for this host only, [::1]:80, or :80`,
		"::1:80x":                      "want a port",
		"127.0.0.1:0":                  "want a port",
		"/":                            "the name is missing",
		"@":                            "the name is missing",
		"/run/../x":                    "want the shortest form, /x",
		"/run/a b":                     "white space",
		"80\nExecStartPre=/bin/x":      "white space",
		"/" + strings.Repeat("x", 107): "108 bytes",
	} {
		if got, err := listenStream(address); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q becomes %q, %v; want an error that says %q", address, got, err, want)
		}
	}
}

func TestFamilies(t *testing.T) {
	for _, test := range []struct {
		listen []string
		want   []string
		line   string
	}{
		{[]string{"127.0.0.1:80"}, []string{"127.0.0.1:80"}, ""},
		{[]string{"[::]:80"}, []string{"[::]:80"}, ""},
		{[]string{"80", "/run/x"}, []string{"80", "/run/x"}, "BindIPv6Only=both"},
		{[]string{"0.0.0.0:80", "[::]:80"}, []string{"0.0.0.0:80", "[::]:80"}, "BindIPv6Only=ipv6-only"},
		{[]string{"[::]:80", "127.0.0.1:80"}, []string{"[::]:80", "127.0.0.1:80"}, "BindIPv6Only=ipv6-only"},
		{[]string{"[::]:80", "[::ffff:127.0.0.1]:80"}, []string{"[::]:80", "127.0.0.1:80"}, "BindIPv6Only=ipv6-only"},
		{[]string{"0.0.0.0:80", "[::]:81"}, []string{"0.0.0.0:80", "[::]:81"}, ""},
		{[]string{":82", "0.0.0.0:80", "[::]:80"}, []string{"0.0.0.0:82", "[::]:82", "0.0.0.0:80", "[::]:80"}, "BindIPv6Only=ipv6-only"},
	} {
		o := web()
		o.Listen = test.listen
		socket := generate(t, o).Socket
		var streams []string
		for line := range strings.Lines(string(socket)) {
			if stream, ok := strings.CutPrefix(strings.TrimSpace(line), "ListenStream="); ok {
				streams = append(streams, stream)
			}
		}
		if !slices.Equal(streams, test.want) {
			t.Errorf("%q: listens on %q, want %q", test.listen, streams, test.want)
		}
		if has := strings.Contains(string(socket), "\nBindIPv6Only="); has != (test.line != "") {
			t.Errorf("%q: BindIPv6Only= is there: %v", test.listen, has)
		} else if has {
			hasLines(t, "socket", socket, test.line)
		}
	}
	for _, listen := range [][]string{{"80", "0.0.0.0:80"}, {"[::1]:80", ":80"}, {"80", ":80"}, {"/run/x", "/run/x"}} {
		o := web()
		o.Listen = listen
		if _, err := Generate(o); err == nil {
			t.Errorf("%q is taken, and only one of them can be bound", listen)
		}
	}
}
