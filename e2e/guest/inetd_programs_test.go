//go:build e2e

package guest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/status"
)

// atOnce runs f for 0 … n-1, so many at a time, and fails the test for each
// error.
func atOnce(t *testing.T, n, parallel int, f func(i int) error) {
	t.Helper()
	var group sync.WaitGroup
	places := make(chan struct{}, parallel)
	for i := range n {
		places <- struct{}{}
		group.Go(func() {
			if err := f(i); err != nil {
				t.Errorf("client %d: %v", i, err)
			}
			<-places
		})
	}
	group.Wait()
}

// script is what sh says to the words, which begin at $1.
func script(text string, words ...string) (string, error) {
	return harness.Run(append([]string{"sh", "-euc", text, "sh"}, words...)...)
}

func mustScript(t *testing.T, text string, words ...string) string {
	t.Helper()
	out, err := script(text, words...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// served says what became of the clients, and that nothing went wrong on the
// side.
func (s *service) served(t *testing.T, atLeast uint64) {
	t.Helper()
	s.await("all ends", func(st status.Service) bool { return st.Total == 0 })
	c := s.state().Counters
	t.Logf("%d connections served, rejected %d, pauses %d", *c.Requests, c.RejectedConnections, c.Throttles)
	if *c.Requests < atLeast || c.Throttles != 0 || c.BadStarts != 0 || c.RejectedConnections != 0 {
		t.Errorf("%+v", c)
	}
}

// TestGitDaemon clones a repository, from one client and from many.
func TestGitDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	head := mustScript(t, `
		export HOME="$1" GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
		cd "$1"; git init -q work; cd work
		for i in 1 2 3 4 5 6 7 8 9 10; do head -c 100000 /dev/urandom >"file$i"; git add .; git commit -qm "commit $i"; done
		mkdir -p /srv/git; git clone -q --bare . /srv/git/demo.git
		git rev-parse HEAD`, dir)
	s := example(t, "git-daemon")
	s.configureInetd("--limit=20") // all clients are one here
	begin := time.Now()
	atOnce(t, 30, 5, func(i int) error {
		clone := filepath.Join(dir, fmt.Sprint("clone", i))
		got, err := script(`git clone -q "$1" "$2"; git -C "$2" fsck --strict; git -C "$2" rev-parse HEAD`,
			"git://127.0.0.1:"+s.port()+"/demo.git", clone)
		if err == nil && !strings.HasSuffix(got, head) {
			err = fmt.Errorf("cloned %q, want %s", got, head)
		}
		return err
	})
	t.Logf("30 clones of 1 MB, 5 at a time, in %v", time.Since(begin).Round(time.Millisecond))
	if out, err := script(`git ls-remote "$1"`, "git://127.0.0.1:"+s.port()+"/no-such.git"); err == nil {
		t.Errorf("a repository that is not there: %s", out)
	}
	s.served(t, 31)
}

// TestRsyncDaemon copies a tree.
func TestRsyncDaemon(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	mustScript(t, `
		mkdir -p /srv/pub/a/b
		for i in 1 2 3 4 5 6 7 8 9 10; do head -c 100000 /dev/urandom >"/srv/pub/a/file$i"; cp "/srv/pub/a/file$i" /srv/pub/a/b; done
		printf 'use chroot = no\n[pub]\npath = /srv/pub\nread only = yes\n' >/etc/rsyncd.conf`)
	s := example(t, "rsyncd")
	begin := time.Now()
	atOnce(t, 30, 8, func(i int) error {
		_, err := script(`rsync -a "$1" "$2"; diff -r /srv/pub "$2"`,
			"rsync://127.0.0.1:"+s.port()+"/pub/", filepath.Join(dir, fmt.Sprint(i)))
		return err
	})
	t.Logf("30 transfers of 2 MB, 8 at a time, in %v", time.Since(begin).Round(time.Millisecond))
	s.served(t, 30)
}

// login runs a command as root through sshd, with that key.
func (s *service) login(key, user, command string) (string, error) {
	out, err := exec.Command("ssh", "-F", "none", "-i", key, "-p", s.port(), "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
		"-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR",
		user+"@127.0.0.1", command).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return strings.TrimSpace(string(out)), err
}

// TestSshd logs in, and has many others fail to.
func TestSshd(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	key, wrong := filepath.Join(dir, "key"), filepath.Join(dir, "wrong")
	mustScript(t, `
		ssh-keygen -q -t ed25519 -N '' -f "$1"; ssh-keygen -q -t ed25519 -N '' -f "$2"
		mkdir -p -m 700 /root/.ssh; cat "$1.pub" >/root/.ssh/authorized_keys`, key, wrong)
	s := example(t, "sshd-inetd")
	s.configureInetd("--limit=50") // all clients are one here
	if out, err := s.login(key, "root", `echo "$SSH_CONNECTION"; tty || true`); err != nil || !strings.HasPrefix(out, "127.0.0.1 ") {
		t.Fatalf("logged in: %q, %v", out, err)
	}
	s.await("its end", func(st status.Service) bool { return st.Total == 0 })
	if f := s.state().LastFailure; f != nil && f.Exit != nil {
		t.Logf("sshd ends with status %d after a good login", *f.Exit)
	}
	// A session that lasts shows that the service works.
	long := make(chan error, 1)
	go func() { _, err := s.login(key, "root", "sleep 13"); long <- err }()
	s.await("ten seconds", func(st status.Service) bool { return len(st.Workers) > 0 && st.Workers[0].AgeSeconds > 10.5 })

	begin := time.Now()
	atOnce(t, 40, 8, func(i int) error {
		if _, err := s.login(wrong, []string{"root", "nobody", "no-such-user"}[i%3], "true"); err == nil {
			return fmt.Errorf("logged in with a wrong key")
		}
		return nil
	})
	t.Logf("40 failed logins in %v", time.Since(begin).Round(time.Millisecond))
	begin = time.Now()
	atOnce(t, 150, 8, func(int) error { // scanners: they read the version, and leave
		c, err := net.DialTimeout("tcp", s.addr, harness.Patience)
		if err != nil {
			return err
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(harness.Patience))
		_, err = c.Read(make([]byte, 8))
		return err
	})
	t.Logf("150 connections without a login in %v", time.Since(begin).Round(time.Millisecond))
	if out, err := s.login(key, "root", "echo in"); out != "in" {
		t.Errorf("a login after all that: %q, %v", out, err)
	}
	if err := <-long; err != nil {
		t.Errorf("the long session: %v", err)
	}
	s.served(t, 193)
	lines := 0
	for line := range strings.Lines(s.Journal()) {
		if strings.Contains(line, " availd[") {
			lines++
		}
	}
	if t.Logf("availd has written %d lines to the journal", lines); lines > 10 {
		t.Errorf("%d lines of availd", lines)
	}
}

// configureInetd replaces the options by these.
func (s *service) configureInetd(options ...string) {
	s.t.Helper()
	text := "protocol=inetd\n"
	for _, o := range options {
		text += strings.TrimPrefix(o, "--") + "\n"
	}
	if err := os.WriteFile(s.conf, []byte(text), 0o644); err != nil {
		s.t.Fatal(err)
	}
}
