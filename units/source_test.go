package units

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// whole is a service that one file describes.
func whole() Options {
	o := web()
	o.Source = "/etc/availd/web.conf"
	return o
}

// TestOfOneFile: the units say what they are made of, and the command is not in them.
func TestOfOneFile(t *testing.T) {
	o := whole()
	o.Run, o.StatusListen = []string{"--min-spare=2"}, "9080"
	set := generate(t, o)
	for what, text := range map[string][]byte{"socket": set.Socket, "service": set.Service, "backoff": set.Backoff, "status": set.Status} {
		if !bytes.HasPrefix(text, []byte("# Made by availd-generator(8) of /etc/availd/web.conf,")) {
			t.Errorf("%s begins with %.80q", what, text)
		}
		hasLines(t, what, text, "SourcePath=/etc/availd/web.conf")
		lacks(t, what, text, "[Install]", o.Command[0])
	}
	hasLines(t, "service", set.Service, "ExecStart=/usr/bin/availd run --config=/etc/availd/web.conf")
	o.Command = []string{"worker", "/home/me/app"} // availd run looks for it
	hasLines(t, "service", generate(t, o).Service, "ProtectHome=read-only")
	o.Command = nil
	hasLines(t, "service", generate(t, o).Service, "ProtectHome=yes")
	lacks(t, "units of one's own", generate(t, web()).Service, "SourcePath", "availd-generator")
}

// TestRefused: what availd is to say instead of starting arrives as it is.
func TestRefused(t *testing.T) {
	o := whole()
	o.Refused = `/etc/availd/web.conf:7: property "Usr=x": 100% $wrong`
	hasLines(t, "service", generate(t, o).Service, `Environment="AVAILD_REFUSED=/etc/availd/web.conf:7: property \"Usr=x\": 100%% $wrong"`)
}

func TestWriteUnits(t *testing.T) {
	dir := t.TempDir()
	if err := generate(t, whole()).WriteUnits(dir); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is good
	for i := range names {
		names[i] = filepath.Base(names[i])
		if info, err := os.Stat(filepath.Join(dir, names[i])); err != nil || info.Mode() != 0o644 {
			t.Errorf("%s: %v, %v", names[i], info.Mode(), err)
		}
	}
	if want := []string{"web-backoff.service", "web.service", "web.socket"}; !slices.Equal(names, want) {
		t.Errorf("written are %q, want %q", names, want)
	}
	if err := generate(t, whole()).WriteUnits(filepath.Join(dir, "no")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

func TestCheckListen(t *testing.T) {
	if err := CheckListen("127.0.0.1:80"); err != nil {
		t.Error(err)
	}
	if err := CheckListen("localhost:80"); err == nil || !strings.Contains(err.Error(), "no names") {
		t.Errorf("a name: %v", err)
	}
}
