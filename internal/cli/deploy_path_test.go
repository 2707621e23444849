package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestDeployDirectory: the working directory is looked up anew by the path that the
// shell was in, as is a command that is relative to it. Where that is missing, the
// reload is refused.
func TestDeployDirectory(t *testing.T) {
	t.Parallel()
	s := deployIn(t, "queue", 4, true)
	if words, err := s.ask(0); err != nil || words[0] != "1" || words[2] != "1" {
		t.Fatalf("%q, %v", words, err)
	}
	s.release("2", "good")
	s.link("2")
	if said, status, _ := s.reload(); status != 0 {
		t.Fatalf("status %d: %s", status, said)
	}
	s.newest("2")
	if err := os.Rename(s.path("r2"), s.path("r3")); err != nil {
		t.Fatal(err)
	}
	said, status, _ := s.reload()
	if status == 0 || !strings.Contains(said, "working directory") {
		t.Fatalf("status %d: %s", status, said)
	}
	if words, err := s.ask(0); err != nil || words[0] != "2" {
		t.Fatalf("after the reload that was refused: %q, %v", words, err)
	}
	s.release("4", "good") // an upgrade has not forgotten the path
	if out, err := exec.Command("availd", "upgrade", s.path("run/control")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.link("4")
	if said, status, _ := s.reload(); status != 0 {
		t.Fatalf("status %d: %s", status, said)
	}
	s.newest("4")
}

// TestDeployInetd: a reload tests that the command can be executed, without running it,
// and sessions go on.
func TestDeployInetd(t *testing.T) {
	t.Parallel()
	s := deploy(t, "inetd", 4)
	s.clients.Go(func() { s.count(2 * time.Second) })
	s.until("a session", func() bool { return strings.Contains(s.status(), `"total": 1,`) })
	program := s.path("r1/work-deployed")
	for _, text := range []string{"#!/nonexistent/interpreter\n", "no program\n", ""} {
		if err := os.Remove(program); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
		said, status, _ := s.reload()
		if status == 0 || !strings.Contains(said, s.path("current/work-deployed")) {
			t.Errorf("%q: status %d: %s", text, status, said)
		}
	}
	s.release("2", "good")
	s.link("2")
	if said, status, _ := s.reload(); status != 0 {
		t.Errorf("status %d: %s", status, said)
	}
	if words, err := s.ask(0); err != nil || words[0] != "2" {
		t.Errorf("%q, %v", words, err)
	}
	s.rest()
	if n := s.lost.Load(); n != 0 || s.served.Load() != 1 {
		t.Errorf("%d lost: %s", n, s.said())
	}
}

// newest waits until workers of a revision answer, from their own directory.
func (s *deployed) newest(name string) {
	s.t.Helper()
	s.until("revision "+name, func() bool {
		words, err := s.ask(time.Millisecond)
		return err == nil && words[0] == name && words[2] == name
	})
}

// TestUpgradeByLink: an upgrade executes what the path leads to that availd was started
// by: a link, given as an absolute path, a relative one, or found by PATH.
func TestUpgradeByLink(t *testing.T) {
	for _, how := range []string{"absolute", "relative", "path"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			s := prepareDeploy(t, "queue", 4)
			program, err := exec.LookPath("availd")
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(program)
			for _, name := range []string{"v1", "v2"} {
				if err == nil {
					err = os.Mkdir(s.path(name), 0o700)
				}
				if err == nil {
					err = os.WriteFile(s.path(name+"/availd"), text, 0o700)
				}
			}
			if err == nil {
				err = os.Symlink("v1", s.path("v"))
			}
			if err != nil {
				t.Fatal(err)
			}
			argument := map[string]string{"absolute": s.path("v/availd"), "relative": "./v/availd", "path": "availd"}[how]
			// A shell, as it is the one that looks into PATH and executes what it finds.
			s.cmd = exec.Command("/bin/sh", append([]string{"-c", `exec "$0" "$@"`, argument}, s.args()...)...)
			s.cmd.Dir = s.dir
			s.cmd.Env = append(os.Environ(), "RUNTIME_DIRECTORY="+s.path("run"), "PWD="+s.dir, "PATH="+s.path("v")+":"+os.Getenv("PATH"))
			s.start()
			if err := os.Symlink("v2", s.path("next")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(s.path("next"), s.path("v")); err != nil {
				t.Fatal(err)
			}
			if how == "path" { // the program that runs may be gone
				if err := os.RemoveAll(s.path("v1")); err != nil {
					t.Fatal(err)
				}
			}
			if out, err := exec.Command(program, "upgrade", s.path("run/control")).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			runs, err := os.Readlink("/proc/" + strconv.Itoa(s.cmd.Process.Pid) + "/exe")
			if want, _ := filepath.EvalSymlinks(s.path("v2/availd")); err != nil || runs != want {
				t.Errorf("%s runs, want %s (%v)", runs, want, err)
			}
			if words, err := s.ask(0); err != nil || words[0] != "1" {
				t.Errorf("after the upgrade: %q, %v", words, err)
			}
		})
	}
}
