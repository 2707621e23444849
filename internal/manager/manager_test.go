package manager

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// speak puts a systemctl in the way that says its words and then the text, as the real one
// would, and fails with that status.
func speak(t *testing.T, text, complaint, status string) (words func() string) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\necho \"$*\" >" + dir + "/words\ncat <<'END'\n" + text + "\nEND\ncat >&2 <<'END'\n" + complaint + "\nEND\nexit " + status + "\n"
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	t.Setenv("MANAGERPID", "")
	return func() string {
		text, err := os.ReadFile(filepath.Join(dir, "words"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
}

func TestShow(t *testing.T) {
	words := speak(t, "Result=resources\nExecStopPost={ path=/usr/bin/availd ; argv[]=/usr/bin/availd reap ; pid=0 }\nNames=", "", "0")
	p, err := Show(t.Context(), "web.socket", "Result", "ExecStopPost", "Names", "None")
	if err != nil || p["Result"] != "resources" || !strings.Contains(p["ExecStopPost"], "argv[]=/usr/bin/availd reap ;") {
		t.Errorf("%v, %v", p, err)
	}
	if _, there := p["None"]; there {
		t.Error("a property that was not answered is there")
	}
	if w := words(); !strings.Contains(w, "show --property=Result,ExecStopPost,Names,None -- web.socket") || strings.Contains(w, "--user") {
		t.Errorf("asked %q", w)
	}
	t.Setenv("MANAGERPID", "17")
	if _, err := Show(t.Context(), "web.socket", "Result"); err != nil || !strings.Contains(words(), "--user") {
		t.Errorf("a user's service asked %q, %v", words(), err)
	}
}

func TestJob(t *testing.T) {
	speak(t, "412 web-other.service stop    waiting\n 413 web.service       restart running", "", "0")
	for unit, want := range map[string]string{"web.service": "restart", "web-other.service": "stop", "other.service": ""} {
		if got, err := Job(t.Context(), unit); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", unit, got, err, want)
		}
	}
	speak(t, "No jobs listed.", "", "0")
	if got, err := Job(t.Context(), "web.service"); err != nil || got != "" {
		t.Errorf("without jobs: %q, %v", got, err)
	}
}

func TestRefused(t *testing.T) {
	words := speak(t, "", "Failed to restart web.socket: Access denied\nSee the logs.", "4")
	if err := Enqueue(t.Context(), "restart", "web.socket", "web.service"); err == nil || !strings.HasSuffix(err.Error(), "Access denied") {
		t.Error(err)
	}
	if w := words(); !strings.Contains(w, "restart --no-block -- web.socket web.service") {
		t.Errorf("asked %q", w)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Job(t.Context(), "web.service"); err == nil {
		t.Error("without systemctl there is an answer")
	}
}

// TestUnhurried: who is not in a hurry waits longer than others, and systemctl does, too.
func TestUnhurried(t *testing.T) {
	dir := t.TempDir()
	script := "#!/bin/sh\necho Timeout=$SYSTEMD_BUS_TIMEOUT\n"
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	if p, err := Show(t.Context(), "web.socket", "Timeout"); err != nil || p["Timeout"] != "" {
		t.Errorf("in a hurry: %v, %v", p, err)
	}
	ctx, cancel := Unhurried()
	defer cancel()
	p, err := Show(ctx, "web.socket", "Timeout")
	if err != nil {
		t.Fatal(err)
	}
	if d, err := time.ParseDuration(p["Timeout"]); err != nil || d < unhurried/2 || d > unhurried+Patience {
		t.Errorf("systemctl waits for %q, want some %v", p["Timeout"], unhurried)
	}
}

// TestSilent: no answer is told from a refusal.
func TestSilent(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte("#!/bin/sh\nexec sleep 600\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := Show(ctx, "web.socket", "Result"); !errors.Is(err, ErrSilent) {
		t.Error(err)
	}
	speak(t, "", "Failed to get properties: Access denied", "1")
	if _, err := Show(t.Context(), "web.socket", "Result"); err == nil || errors.Is(err, ErrSilent) {
		t.Error(err)
	}
}
