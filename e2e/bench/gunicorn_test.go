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
	own := func(t *testing.T, port, limit int, more ...string) *rig.Server {
		return rig.StartAvaild(t, harness.Availd, port,
			append([]string{"--protocol=queue", fmt.Sprint("--limit=", limit), "--max-starting=auto", "--retire-signal=TERM"}, more...),
			append(command, "--workers=1", "app:application")...).Server
	}
	compareStacks(t, "gunicorn under availd against its own pool", application{quick, slow, answer}, []stack{
		{
			name:  "availd + gunicorn",
			start: func(t *testing.T, port, limit int) *rig.Server { return own(t, port, limit) },
			full: func(t *testing.T, port, limit int) *rig.Server {
				s := own(t, port, limit, fmt.Sprint("--min-spare=", limit), fmt.Sprint("--max-starting=", limit))
				harness.WaitFor(t, "all workers to have booted", 8*harness.Patience, func() bool { return len(s.Family()) >= 1+2*limit })
				return s
			},
		},
		{
			name: "gunicorn",
			start: func(t *testing.T, port, limit int) *rig.Server {
				return rig.StartListening(t, port, nil, append(command, fmt.Sprint("--workers=", limit), "--bind="+harness.Addr(port), "--backlog=4096", "app:application")...)
			},
			always: true,
		},
	})
}
