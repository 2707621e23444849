package units

import (
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
