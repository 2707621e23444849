package survey

import (
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/check"
)

// TestHolder: who listens at an address, by the kernel's tables.
func TestHolder(t *testing.T) {
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	path := filepath.Join(t.TempDir(), "s")
	un, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer un.Close()
	for _, address := range []string{tcp.Addr().String(), path} {
		if h := holderOf(address); h == nil || h.PID != os.Getpid() || !strings.Contains(h.Command, "survey") {
			t.Errorf("%s is held by %+v, want this process", address, h)
		}
	}
	_ = un.Close()
	if h := holderOf(path); h != nil {
		t.Errorf("what is closed is held by %+v", h)
	}
}

// TestTakes: which addresses exclude each other.
func TestTakes(t *testing.T) {
	for _, c := range []struct {
		there, wanted string
		takes         bool
	}{
		{"127.0.0.1:80", "127.0.0.1:80", true},
		{"127.0.0.1:80", "127.0.0.2:80", false},
		{"127.0.0.1:80", "127.0.0.1:81", false},
		{"0.0.0.0:80", "127.0.0.1:80", true},
		{"[::]:80", "127.0.0.1:80", true},
		{"[::1]:80", "127.0.0.1:80", false},
		{"127.0.0.1:80", "0.0.0.0:80", true},
		{"127.0.0.1:80", "80", true},
		{"[::1]:80", "80", true},
		{"[::1]:80", "0.0.0.0:80", false},
	} {
		l := listener{tcp: netip.MustParseAddrPort(c.there)}
		if got := l.takes(c.wanted); got != c.takes {
			t.Errorf("%s takes %s: %v, want %v", c.there, c.wanted, got, c.takes)
		}
	}
	if a, ok := hexAddress("0100007F:1F90"); !ok || a.String() != "127.0.0.1:8080" {
		t.Errorf("read %v", a)
	}
}

// TestLook: files as this process sees them.
func TestLook(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if p := Look(filepath.Join(dir, "nothing")); p.Exists || p.Why != "" {
		t.Errorf("nothing: %+v", p)
	}
	if p := Look(dir); !p.Directory {
		t.Errorf("a directory: %+v", p)
	}
	if p := Look(write("script", "#!/bin/sh\n", 0o755)); !p.Executable || p.Broken || p.Interpreter != "/bin/sh" {
		t.Errorf("a script: %+v", p)
	}
	if p := Look(write("broken", "#!/nowhere/python -u\n", 0o755)); !p.Broken || p.Interpreter != "/nowhere/python" {
		t.Errorf("without an interpreter: %+v", p)
	}
	if p := Look(write("dos", "#!/bin/sh\r\necho", 0o755)); !p.Broken {
		t.Errorf("with the line ends of another system: %+v", p)
	}
	if p := Look(write("data", "x", 0o644)); p.Executable || !p.Readable {
		t.Errorf("data: %+v", p)
	}
	fifo := filepath.Join(dir, "fifo")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	if p := Look(fifo); !p.Exists || p.Interpreter != "" { // and nobody waits for a writer
		t.Errorf("a FIFO: %+v", p)
	}
}

// TestLookAs: what another user may, by the modes of the files and of the way to them.
func TestLookAs(t *testing.T) {
	dir := t.TempDir()
	for d := dir; d != "/" && strings.HasPrefix(d, os.TempDir()); d = filepath.Dir(d) {
		_ = os.Chmod(d, 0o755) // those that testing has made; the others are everybody's
	}
	path := filepath.Join(dir, "worker")
	for _, c := range []struct {
		mode, way            os.FileMode
		uid                  int
		executable, readable bool
		stopped              bool
	}{
		{0o755, 0o755, 12345, true, true, false},
		{0o744, 0o755, 12345, false, true, false},
		{0o711, 0o755, 12345, true, false, false},
		{0o755, 0o700, 12345, false, false, true},
		{0o755, 0o700, os.Getuid(), true, true, false},
		{0o644, 0o755, 0, false, true, false},
	} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, c.way); err != nil {
			t.Fatal(err)
		}
		p, ok := lookAs(path, c.uid, nil)
		if !ok || p.Executable != c.executable || p.Readable != c.readable || (p.Why != "") != c.stopped {
			t.Errorf("%04o in %04o by %d: %+v, %v", c.mode, c.way, c.uid, p, ok)
		}
		_ = os.Chmod(dir, 0o755)
	}
}

// TestFiles: the files of a service are found from any of them, in the order in which
// systemd reads them.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"web.service":             "[Service]\nExecStart=/usr/bin/availd run --config /etc/availd/web.conf --limit 7 -- /bin/cat x\n",
		"web.service.d/20-b.conf": "[Service]\nUser=two\n",
		"web.service.d/10-a.conf": "[Service]\nUser=one\n",
		"other.socket":            "[Socket]\nListenStream=8080\nService=web.service\n",
		"web-backoff.service":     "[Service]\nType=oneshot\n",
		"web.conf":                "protocol=inetd\n",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := filepath.Glob(dir + "/*")
	for _, paths := range [][]string{{dir + "/web.service"}, {dir + "/other.socket"}, {dir + "/web.conf"}, {dir + "/web.service.d/20-b.conf"}, all} {
		facts, err := Files(paths)
		if err != nil || len(facts) != 1 {
			t.Fatalf("%q: %d services, %v", paths, len(facts), err)
		}
		f := facts[0]
		if f.ConfigErr != nil || f.Config.Protocol.Name != "inetd" || f.Config.Limit != 7 || f.Service.Value("User") != "two" || len(f.Sockets) != 1 {
			t.Errorf("%q: %+v", paths, f)
		}
	}
	if _, err := Files([]string{dir + "/nothing.service"}); err == nil {
		t.Error("what is not there is no error")
	}
}

// TestInside: the answer is what this process sees.
func TestInside(t *testing.T) {
	answer, err := Inside(`["/", "/nowhere"]`)
	if err != nil || !strings.Contains(string(answer), `"/nowhere":{"Exists":false`) || !strings.Contains(string(answer), `"Directory":true`) {
		t.Errorf("%s, %v", answer, err)
	}
	if _, err := Inside("?"); err == nil {
		t.Error("nonsense is answered")
	}
	f := FromInside("", check.Run{Command: []string{"/bin/sh"}}, check.Facts{}.Config)
	if !f.Machine.Paths["/bin/sh"].Executable {
		t.Errorf("%+v", f.Machine.Paths)
	}
}

// TestStrays: a process that listens on something else.
func TestStrays(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if s := Strays(os.Getpid(), []int{os.Getpid()}); s != nil {
		t.Errorf("what the service has itself is said to be stray: %+v", s)
	}
	other := exec.Command("sleep", "600") // a service that does not have it
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Process.Kill(); _ = other.Wait() }()
	if s := Strays(other.Process.Pid, []int{os.Getpid()}); len(s) != 1 || !strings.HasPrefix(s[0].Address, "127.0.0.1:") {
		t.Errorf("%+v", s)
	}
}
