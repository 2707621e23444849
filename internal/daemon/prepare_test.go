package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/availd/availd/internal/manager"
)

// TestAskDirectory: no answer is an error of its own kind, as a link may have been moved; a
// refusal and a directory that is not told are none.
func TestAskDirectory(t *testing.T) {
	for _, test := range []struct {
		name, script, want string
		silent             bool
	}{
		{"told", "echo WorkingDirectory=/srv/current", "/srv/current", false},
		{"may be missing", "echo WorkingDirectory=!/srv/current", "/srv/current", false},
		{"not told", "echo WorkingDirectory=", "", false},
		{"refused", "echo Access denied >&2; exit 1", "", false},
		{"silent", "exec sleep 600", "", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "systemctl"), []byte("#!/bin/sh\n"+test.script+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			patience := time.Minute
			if test.silent {
				patience = 10 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			got, err := askDirectory(ctx, "web.service")
			if got != test.want || errors.Is(err, manager.ErrSilent) != test.silent {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
}
