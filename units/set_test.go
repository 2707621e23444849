package units

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPrintLooksLikeSystemctlCat(t *testing.T) {
	set := Set{Name: "web", ConfDir: "/etc/availd", UnitDir: "/etc/systemd/system", Socket: []byte("s\n"), Service: []byte("v\n"), Conf: []byte("c\n")}
	var b bytes.Buffer
	if err := set.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := "# /etc/systemd/system/web.socket\ns\n\n# /etc/systemd/system/web.service\nv\n\n# /etc/availd/web.conf\nc\n"
	if b.String() != want {
		t.Errorf("printed %q, want %q", b.String(), want)
	}
	if err := set.Print(full{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("print to a writer that fails: %v", err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteTo(t *testing.T) {
	dir := t.TempDir()
	set := generate(t, web())
	if err := set.WriteTo(dir, dir, false); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, map[string][]byte{"web.socket": set.Socket, "web.service": set.Service, "web-backoff.service": set.Backoff, "web.conf": set.Conf})
	info, err := os.Stat(filepath.Join(dir, "web.service"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o644 {
		t.Errorf("mode %v, want 0644", info.Mode())
	}
}

func TestWriteToKeepsWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	mine := []byte("# mine\n")
	if err := os.WriteFile(filepath.Join(dir, "web.conf"), mine, 0o600); err != nil {
		t.Fatal(err)
	}
	set := generate(t, web())
	if err := set.WriteTo(dir, dir, false); !errors.Is(err, os.ErrExist) || !strings.Contains(err.Error(), "--force") {
		t.Errorf("error %v, want one that is %v and names --force", err, os.ErrExist)
	}
	wantFiles(t, dir, map[string][]byte{"web.conf": mine})
	if err := set.WriteTo(dir, dir, true); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, map[string][]byte{"web.socket": set.Socket, "web.service": set.Service, "web-backoff.service": set.Backoff, "web.conf": set.Conf})
}

func TestWriteToNowhere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	if err := generate(t, web()).WriteTo(dir, t.TempDir(), false); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v, want %v", err, os.ErrNotExist)
	}
}

// TestCompare: what a change wants of the running service depends on which file it is in.
func TestCompare(t *testing.T) {
	dir, confDir := t.TempDir(), filepath.Join(t.TempDir(), "availd")
	if d := generate(t, web()).Compare(dir, confDir); d != (Difference{New: true, Sockets: true, Service: true, Conf: true}) {
		t.Errorf("of nothing: %+v", d)
	}
	if err := generate(t, web()).WriteTo(dir, confDir, false); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		change func(*Options)
		want   Difference
	}{
		{func(*Options) {}, Difference{}},
		{func(o *Options) { o.Listen = []string{"81"} }, Difference{Sockets: true}},
		{func(o *Options) { o.StatusListen = "9080" }, Difference{Sockets: true}},
		{func(o *Options) { o.Command = []string{"/bin/x"} }, Difference{Service: true}},
		{func(o *Options) { o.Run = []string{"--limit=3"} }, Difference{Conf: true}},
	} {
		o := web()
		test.change(&o)
		if d := generate(t, o).Compare(dir, confDir); d != test.want {
			t.Errorf("%+v, want %+v", d, test.want)
		}
	}
}

// Somebody makes a file between the look and the link: theirs stays, and what
// was linked before is taken back.
func TestPublishLosesTheRace(t *testing.T) {
	dir := t.TempDir()
	staged := make(map[string]string)
	for _, name := range []string{"a", "b", "c"} {
		path, err := stage(dir, file{name: name, text: []byte("ours")})
		if err != nil {
			t.Fatal(err)
		}
		staged[path] = filepath.Join(dir, name)
	}
	if err := os.WriteFile(filepath.Join(dir, "b"), []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := publish(staged, false); !errors.Is(err, os.ErrExist) {
		t.Errorf("error %v, want %v", err, os.ErrExist)
	}
	for path := range staged {
		os.Remove(path)
	}
	wantFiles(t, dir, map[string][]byte{"b": []byte("theirs")})
}

// wantFiles wants exactly these files in dir.
func wantFiles(t *testing.T, dir string, want map[string][]byte) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != len(want) {
		t.Errorf("there are %d files, want %d: %v", len(entries), len(want), entries)
	}
	for name, text := range want {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("%s: %q, %v; want %q", name, got, err, text)
		}
	}
}
