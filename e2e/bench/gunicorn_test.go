//go:build e2e

package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestGunicorn: workers of gunicorn under availd, and gunicorn's own pool, all of
// whose workers are always there.
func TestGunicorn(t *testing.T) {
	dir := scratch(t)
	write(t, dir, "app.py", fmt.Sprintf(`import time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(%g)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
`, stackSleep.Seconds()))
	options := []string{"--worker-tmp-dir=/dev/shm", "--chdir=" + dir, "--log-level=warning"}
	quick, answer := rig.HTTP("/")
	slow, _ := rig.HTTP("/slow")
	own := func(t *testing.T, port, limit int, more ...string) *rig.Server {
		return rig.StartAvaild(t, harness.Availd, port,
			append([]string{"--protocol=queue", fmt.Sprint("--limit=", limit), "--max-starting=auto", "--retire-signal=TERM"}, more...),
			slices.Concat([]string{filepath.Join(harness.Examples, "gunicorn", "worker.py")}, options, []string{"app:application"})...).Server
	}
	theirs := func(t *testing.T, port, limit int) *rig.Server {
		return rig.StartListening(t, port, nil, append(append([]string{"/usr/bin/gunicorn"}, options...),
			fmt.Sprint("--workers=", limit), "--bind="+harness.Addr(port), "--backlog=4096", "app:application")...)
	}
	compareStacks(t, "gunicorn under availd against its own pool", application{quick, slow, answer}, []stack{
		{
			name:  "availd + gunicorn",
			start: func(t *testing.T, port, limit int) *rig.Server { return own(t, port, limit) },
			full: func(t *testing.T, port, limit int) *rig.Server {
				return booted(t, limit, own(t, port, limit, fmt.Sprint("--min-spare=", limit), fmt.Sprint("--max-starting=", limit)))
			},
		},
		{
			name:  "gunicorn",
			start: theirs,
			full:  func(t *testing.T, port, limit int) *rig.Server { return booted(t, limit, theirs(t, port, limit)) },
		},
	})
}

// booted waits until so many workers have set up their signals, and so are about to
// serve.
func booted(t *testing.T, workers int, s *rig.Server) *rig.Server {
	t.Helper()
	s.AwaitWorkers(t, workers, func(p harness.Process) bool { return p.Catches(unix.SIGABRT) })
	return s
}
