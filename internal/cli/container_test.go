package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// inContainer makes of new namespaces what a container is: no other process, a network of
// its own, a root directory that nobody can write to, nothing of systemd and no control
// groups, and an ordinary user without any privilege. $1 is a directory that everybody may
// read, with the program as $1/availd; what follows is executed.
const inContainer = `
dir=$1; shift
mount --make-rprivate /
mount -t proc proc /proc
mount -t tmpfs -o ro,mode=0755 none /sys
mount -t tmpfs -o mode=0755 none /run
mkdir -m 1777 /run/app
mount -t tmpfs -o mode=0755 none /srv
mkdir /srv/app
cp examples/http-python/worker.py /srv/app/
python3 -c 'import fcntl, socket, struct; fcntl.ioctl(socket.socket(), 0x8914, struct.pack("16sh", b"lo", 1 | 64))' # up, as it is everywhere
mount -o remount,ro,bind /
cd /
exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$dir/availd" "$@"`

// instruction is the JSON form of one of the example's Containerfile, without the path of
// availd.
func instruction(t *testing.T, name string) (words []string) {
	t.Helper()
	text, err := os.ReadFile(root + "/examples/container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^` + name + ` (\[.*\])$`).FindSubmatch(text)
	if m == nil || json.Unmarshal(m[1], &words) != nil || len(words) < 2 || words[0] != "/usr/bin/availd" {
		t.Fatalf("%s is %q", name, m)
	}
	return words[1:]
}

// contain starts the example's service in a container of its own.
func contain(t *testing.T, environ ...string) *served {
	testutil.Root(t)
	for _, program := range []string{"python3", "setpriv", "nsenter", "mount"} {
		testutil.Program(t, program)
	}
	dir := t.TempDir()
	own, err := os.Executable() // is availd by that name
	if err == nil {
		err = exec.Command("cp", own, dir+"/availd").Run()
	}
	if err == nil {
		err = exec.Command("cp", root+"/examples/container/app.conf", dir).Run()
	}
	if err != nil {
		t.Fatal(err)
	}
	for d := dir; d != os.TempDir() && d != "/"; d = filepath.Dir(d) { // the user of the container looks into it
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"-ec", inContainer, "sh", dir}
	for _, word := range instruction(t, "ENTRYPOINT") {
		args = append(args, strings.ReplaceAll(word, "/etc/availd/", dir+"/"))
	}
	s := &served{t: t, addr: "127.0.0.1:8080", done: make(chan error, 1)}
	s.cmd = exec.Command("/bin/sh", args...)
	s.cmd.Dir = root
	s.cmd.Env = append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, environ...)
	s.cmd.Stdout, s.cmd.Stderr = &s.log, &s.log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // of process 1, and of the namespace with it
	return s
}

// inside runs a program of this test binary or of the system in the container.
func (s *served) inside(args ...string) (string, error) {
	enter := []string{"--target", strconv.Itoa(s.cmd.Process.Pid), "--net", "--mount", "--pid", "--"}
	out, err := exec.Command("nsenter", append(enter, args...)...).CombinedOutput()
	return string(out), err
}

// serves waits until the service answers.
func (s *served) serves() {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		out, err := s.inside("python3", "-c", `import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:8080/").status)`)
		if err == nil && strings.TrimSpace(out) == strconv.Itoa(http.StatusOK) {
			return
		}
		select {
		case err := <-s.done:
			s.t.Fatalf("the container has ended: %v\n%s", err, &s.log)
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("no answer: %v\n%s\n%s", err, out, &s.log)
		}
	}
}

// TestContainer: as process 1 of a container, without privileges, systemd or a place to
// write to, availd serves, collects orphans that are not its own, and each signal by which
// containers are stopped ends everything with status 0.
func TestContainer(t *testing.T) {
	for _, test := range []struct {
		signal  unix.Signal
		environ []string
	}{{unix.SIGTERM, []string{"RUNTIME_DIRECTORY=/run/app"}}, {unix.SIGINT, nil}, {unix.SIGQUIT, nil}} {
		t.Run(unix.SignalName(test.signal), func(t *testing.T) {
			t.Parallel()
			s := contain(t, test.environ...)
			s.serves()
			s.collectsOrphan()
			s.serves()
			if test.environ != nil {
				s.healthy(t)
			}
			s.stops(test.signal)
			t.Logf("the log says:\n%s", &s.log)
			if log := s.log.String(); strings.Contains(log, "goroutine ") || strings.Contains(log, " error: ") || strings.Contains(log, " warn: ") {
				t.Error("there is something wrong in the log")
			}
		})
	}
}

// collectsOrphan leaves a process behind, as a shell of an exec into the container does.
func (s *served) collectsOrphan() {
	s.t.Helper()
	if out, err := s.inside("sh", "-c", "sleep 0.5 >/dev/null 2>&1 & exit 0"); err != nil {
		s.t.Fatalf("%v\n%s", err, out)
	}
	seen := false
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		switch orphans := s.children("sleep"); {
		case len(orphans) > 0:
			seen = true
		case seen:
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("orphan seen: %t, children: %q", seen, s.children(""))
		}
	}
}

// healthy asks as the example's Containerfile does.
func (s *served) healthy(t *testing.T) {
	out, err := s.inside(append([]string{s.cmd.Args[4] + "/availd"}, instruction(t, "HEALTHCHECK CMD")...)...)
	if err != nil || !strings.Contains(out, `"name": "app"`) {
		t.Errorf("%v\n%s", err, out)
	}
}
