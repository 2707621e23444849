//go:build e2e

package bench

import (
	"fmt"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestGunicorn: gunicorn with one worker each under availd, and gunicorn's own
// pool, all of whose workers are always there.
func TestGunicorn(t *testing.T) {
	dir := scratch(t)
	write(t, dir, "app.py", fmt.Sprintf(`import time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(%g)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
`, stackSleep.Seconds()))
	command := []string{"/usr/bin/gunicorn", "--worker-tmp-dir=/dev/shm", "--chdir=" + dir, "--log-level=warning"}
	quick, answer := rig.HTTP("/")
	slow, _ := rig.HTTP("/slow")
	compareStacks(t, "gunicorn under availd against its own pool", application{quick, slow, answer}, []stack{
		{"availd + gunicorn", func(t *testing.T, port, limit int) *rig.Server {
			return rig.StartAvaild(t, harness.Availd, port, []string{"--protocol=queue", fmt.Sprint("--limit=", limit), "--max-starting=auto", "--retire-signal=TERM"},
				append(command, "--workers=1", "app:application")...).Server
		}},
		{"gunicorn", func(t *testing.T, port, limit int) *rig.Server {
			return rig.StartListening(t, port, nil, append(command, fmt.Sprint("--workers=", limit), "--bind="+harness.Addr(port), "--backlog=4096", "app:application")...)
		}},
	})
}
