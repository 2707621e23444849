//go:build e2e

package bench

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/template"
)

// templated has a service with an idle timeout start its template, which the first client
// does, and waits until it takes orders and no worker is left: what it loads is no part of a
// burst.
func templated(t *testing.T, a *rig.Availd, port int, request, answer string) *rig.Server {
	t.Helper()
	rig.Load{Program: loader, Apart: true, Port: port, Clients: 1, Request: request, Answer: answer}.Run(t)
	harness.WaitFor(t, "the template alone", harness.Patience, func() bool {
		s := a.Status(t)
		return s.Template != nil && s.Template.Ready && s.Total == 0
	})
	return a.Server
}

// leavesSoon is for pools that templated waits for.
const leavesSoon = "--idle-timeout=1s"

// largeApplication is a WSGI application of some 60 MB, which are loaded, and of which its
// requests use little.
func largeApplication(t *testing.T) (dir string) {
	dir = scratch(t)
	write(t, dir, "app.py", fmt.Sprintf(`import time

data = [str(n) * 10 for n in range(500000)]

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        time.sleep(%g)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
`, stackSleep.Seconds()))
	return dir
}

// TestTemplate: workers that are forks of a template, from the order on; and a WSGI
// application of 60 MB against gunicorn, which has loaded it before it forked (--preload).
func TestTemplate(t *testing.T) {
	dir := scratch(t)
	php := fastcgi(write(t, dir, "quick.php", `<?php echo "hello\n";`))
	large := largeApplication(t)
	options := []string{"--worker-tmp-dir=/dev/shm", "--chdir=" + large, "--log-level=warning"}
	object := "--preload=" + harness.Preload
	quick, answer := rig.HTTP("/")
	slow, _ := rig.HTTP("/slow")
	phpCGI := []string{"/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi"}
	gunicorn := slices.Concat([]string{"/usr/bin/env", template.EnvFork + "=" + harness.Preload, filepath.Join(harness.Examples, "gunicorn", "worker.py")}, options, []string{"app:application"})
	// Workers of a template that forks them itself are not counted by availd: the program ends
	// them.
	const once = "--max-requests=1"
	onceGunicorn := slices.Concat(gunicorn[:len(gunicorn)-1], []string{once, "app:application"})
	pool := func(t *testing.T, port, limit int, command []string, more ...string) *rig.Availd {
		return rig.StartAvaild(t, harness.Availd, port, append([]string{
			fmt.Sprint("--limit=", limit), "--retire-signal=TERM",
		}, more...), command...)
	}

	series := rig.Series{}
	type start struct {
		name, request, answer string
		options, command      []string
	}
	starts := []start{
		{"php-cgi, executed", php, "hello", []string{"--protocol=fastcgi", object, once}, phpCGI},
		{"php-cgi, forked", php, "hello", []string{"--protocol=fastcgi", object, "--template=preload", once}, phpCGI},
		{"WSGI of 60 MB, executed", quick, answer, []string{"--protocol=queue", object, once}, gunicorn},
		{"WSGI of 60 MB, forked", quick, answer, []string{"--protocol=queue", "--template=worker"}, onceGunicorn},
	}
	rig.Rounds(3, starts, func(s start) {
		t.Run("start", func(t *testing.T) {
			port := harness.Port()
			a := pool(t, port, 1, s.command, append(s.options, leavesSoon)...)
			if strings.HasSuffix(s.name, "forked") {
				templated(t, a, port, s.request, s.answer)
			}
			n, sum := a.Starts(t)
			// One client after another, and a worker for each of them.
			r := rig.Load{Program: loader, Apart: true, Port: port, Clients: 1, Request: s.request, Answer: s.answer, For: 4 * time.Second}.Run(t)
			took, measured := 0.0, false
			if st := a.Status(t).Template; st != nil && st.MeanFork != nil {
				took, measured = *st.MeanFork, true
			} else if most, all := a.Starts(t); most > n {
				took, measured = (all-sum).Seconds()/(most-n), true
			}
			if !measured {
				t.Error("no start was measured")
			}
			series.Add(s.name, "start", took*1e3)
			series.Add(s.name, "failed", float64(r.Failed))
		})
	})

	app := application{quick, slow, answer}
	forked := stack{name: "availd, template", start: func(t *testing.T, port, limit int) *rig.Server {
		return templated(t, pool(t, port, limit, gunicorn, "--protocol=queue", "--template=worker", leavesSoon), port, quick, answer)
	}}
	theirs := stack{name: "gunicorn --preload", start: func(t *testing.T, port, limit int) *rig.Server {
		s := rig.StartListening(t, port, nil, append(append([]string{"/usr/bin/gunicorn", "--preload"}, options...),
			fmt.Sprint("--workers=", limit), "--bind="+harness.Addr(port), "--backlog=4096", "app:application")...)
		s.AwaitWorkers(t, limit, func(p harness.Process) bool { return p.Catches(unix.SIGABRT) })
		return s
	}}
	// uWSGI forks its workers from a process that has loaded the application, too, unless it is
	// told to be lazy. Cheaper is its way to begin with one and to add others; the fork server
	// of 2.1 is not in Debian's 2.0, and neither is pitchfork.
	uwsgi := func(name string, workers func(limit int) int, more ...string) stack {
		return stack{name: name, start: func(t *testing.T, port, limit int) *rig.Server {
			s := rig.StartListening(t, port, nil, append([]string{
				"/usr/bin/uwsgi", "--plugin=python3", "--http-socket=" + harness.Addr(port), "--listen=4096", "--master", "--need-app", "--die-on-term",
				"--disable-logging", "--chdir=" + large, "--module=app:application", fmt.Sprint("--workers=", limit),
			}, more...)...)
			s.AwaitWorkers(t, workers(limit), func(harness.Process) bool { return true })
			return s
		}}
	}
	all := uwsgi("uWSGI", func(limit int) int { return limit })
	cheaper := uwsgi("uWSGI, cheaper", func(int) int { return 1 }, "--cheaper=1", "--cheaper-initial=1", "--cheaper-step=50", "--cheaper-overload=1")
	stacks := []stack{forked, theirs, all}
	t.Run("throughput", func(t *testing.T) { steadyStacks(t, series, app, stacks) })
	rig.Rounds(3, append(stacks, cheaper), func(s stack) {
		t.Run("burst", func(t *testing.T) { burstStack(t, series, app, s, "burst", s.start) })
	})
	fpm := stack{name: "php-fpm static", start: func(t *testing.T, port, limit int) *rig.Server {
		return accepting(t, limit, startFPM(t, port, limit, "static"))
	}}
	alone := stack{name: "availd, template of php-cgi", start: func(t *testing.T, port, limit int) *rig.Server {
		return templated(t, pool(t, port, limit, phpCGI, "--protocol=fastcgi", object, "--template=preload", leavesSoon), port, php, "hello")
	}}
	t.Run("idle", func(t *testing.T) { idleStacks(t, series, []stack{alone, fpm}) })

	table := table(t, "Templates: from the order to READY=1, and a WSGI application of 60 MB")
	for i, s := range starts {
		if i%2 == 0 {
			continue
		}
		own, bound := starts[i-1].name, 3.0
		if i == 3 {
			bound = 5
		}
		figures := fmt.Sprintf("%.2f ms, executed %.1f ms", series.Median(s.name, "start"), series.Median(own, "start"))
		table.AtMost("start of a worker: "+s.name, figures, "%v ms", series.Median(s.name, "start"), bound)
		table.AtLeast("start of a worker: "+own+" against forked", figures, "%v × as long", series.Ratio(own, s.name, "start"), 20)
		for _, name := range []string{own, s.name} {
			if failed := series.Median(name, "failed"); failed > 0 {
				table.Figure(name+": failed", fmt.Sprintf("%.0f", failed))
			}
		}
	}
	row := func(what string, one, other stack, figure, unit string, least bool, bound float64) {
		figures := fmt.Sprintf("%.5g %s against %.5g %s", series.Median(one.name, figure), unit, series.Median(other.name, figure), unit)
		what = fmt.Sprintf("%s: %s against %s", what, one.name, other.name)
		if least {
			table.AtLeast(what, figures, "%v × "+other.name+series.Spread(one.name, other.name, figure), series.Ratio(one.name, other.name, figure), bound)
		} else {
			table.AtMost(what, figures, "%v × "+other.name+series.Spread(one.name, other.name, figure), series.Ratio(one.name, other.name, figure), bound)
		}
	}
	for _, s := range stacks {
		table.Figure(s.name+": memory of the whole pool, a worker", fmt.Sprintf("%.2f MB", series.Median(s.name, "pool")))
	}
	for _, peer := range []stack{theirs, all} {
		row("throughput", forked, peer, "rate", "requests/s", true, 1)
		row("memory a worker, PSS", forked, peer, "worker", "MB", false, 1)
		row(fmt.Sprintf("p99 of a burst of %d, from none against all there", burstClients), forked, peer, "burst", "ms", false, 1)
	}
	row(fmt.Sprintf("p99 of a burst of %d, from none against from one", burstClients), forked, cheaper, "burst", "ms", false, 1)
	row("memory without a client, PSS", alone, fpm, "idle", "MB", false, 0.5)
	for _, s := range []stack{alone, fpm} {
		table.Figure(s.name+": memory without a client that is no file's", fmt.Sprintf("%.2f MB", series.Median(s.name, "idle, own")))
	}
}
