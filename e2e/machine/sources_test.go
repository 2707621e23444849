package machine

import (
	"os"
	"path/filepath"
	"testing"
)

func TestHostMirror(t *testing.T) {
	debian := "ID=debian\nVERSION_CODENAME=bookworm\n"
	for _, c := range []struct {
		name, want string
		files      map[string]string
	}{
		{"paragraphs; a disabled one and a security suite come first", "http://mirror.example/debian", map[string]string{
			"etc/os-release": debian,
			"etc/apt/sources.list.d/a.sources": "Types: deb\nEnabled: no\nURIs: http://off.example/debian\nSuites: bookworm\n\n" +
				"Types: deb\nURIs: http://security.example/debian\nSuites: bookworm-security\n\n" +
				"Types: deb deb-src\n# a comment\nURIs: http://mirror.example/debian\nSuites:\n bookworm\n bookworm-updates\nComponents: main\n",
		}},
		{"lines; sources and a vendor's come first", "https://mirror.example/debian", map[string]string{
			"etc/os-release": "ID=debian\nVERSION_CODENAME=\"bookworm\"\n",
			"etc/apt/sources.list": "# deb http://comment.example bookworm main\ndeb-src http://src.example bookworm main\n" +
				"deb http://vendor.example stable main\n" +
				"deb [arch=amd64 signed-by=/usr/share/keyrings/k.gpg] https://mirror.example/debian bookworm main # ours\n",
		}},
		{"a kind that debootstrap cannot read is passed over", "file:/srv/debian", map[string]string{
			"etc/os-release":       debian,
			"etc/apt/sources.list": "deb cdrom:[x]/ bookworm main\ndeb file:/srv/debian bookworm main\n",
		}},
		{"files with another ending are not apt's", "", map[string]string{
			"etc/os-release":                       debian,
			"etc/apt/sources.list.d/a.list.save":   "deb http://saved.example bookworm main\n",
			"etc/apt/sources.list.d/b.sources.off": "Types: deb\nURIs: http://off.example\nSuites: bookworm\n",
		}},
		{"another distribution's mirror has no Debian", "", map[string]string{
			"etc/os-release":       "ID=ubuntu\nVERSION_CODENAME=noble\n",
			"etc/apt/sources.list": "deb http://mirror.example/ubuntu noble main\n",
		}},
		{"nothing there", "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			for name, text := range c.files {
				name = filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if got := hostMirror(root); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
