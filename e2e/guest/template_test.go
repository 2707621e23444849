//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
	"github.com/availd/availd/internal/status"
)

// forking are the example workers that are forked by a template.
var forking = []struct{ name, program string }{
	{"c", filepath.Join(harness.Workers, "http-c")},
	{"python", filepath.Join(harness.Examples, "http-python", "worker.py")},
}

// eachTemplate runs a scenario with each of them. The program is a file of the service,
// which a scenario may replace.
func eachTemplate(t *testing.T, name string, options []string, scenario func(t *testing.T, s *service, good []byte)) {
	t.Parallel()
	for _, f := range forking {
		t.Run(f.name, func(t *testing.T) {
			good, err := os.ReadFile(f.program)
			if err != nil {
				t.Fatal(err)
			}
			p := pool{name: name + "-" + f.name, options: append(slices.Clone(options), "--limit=4", "--template=worker")}
			p.command = []string{filepath.Join(filesRoot, p.name, "program")}
			s := p.inPlace().install(t, func(s *service) {
				s.replace("program", good, 0o755)
				s.deploy(harness.Availd)
			})
			scenario(t, s, good)
		})
	}
}

// templatesOf are the templates that there are.
func templatesOf(s *service) (list []harness.Process) {
	for _, p := range s.Processes() {
		if family, ok := p.Getenv("AVAILD_TEMPLATE_PID"); ok && family == strconv.Itoa(p.PID) {
			list = append(list, p)
		}
	}
	return list
}

// awaitTemplate waits until there is one template, another than the one before.
func awaitTemplate(s *service, before harness.Process) (now harness.Process) {
	s.t.Helper()
	harness.WaitFor(s.t, "one template, and another", 2*harness.Patience, func() bool {
		list := templatesOf(s)
		if len(list) != 1 || list[0] == before {
			return false
		}
		now = list[0]
		return true
	})
	return now
}

// areForks fails the test unless all workers are forks of the template, children of availd
// in process groups of their own.
func areForks(s *service, template harness.Process) {
	s.t.Helper()
	main := s.Main().PID
	for _, w := range s.Workers() {
		family, _ := w.Getenv("AVAILD_TEMPLATE_PID")
		if wrong := w.Parent() != main || family != strconv.Itoa(template.PID) || w.Group() != w.PID; wrong && w.Alive() {
			s.t.Errorf("worker %d: parent %d of %d, template %s of %d, group %d", w.PID, w.Parent(), main, family, template.PID, w.Group())
		}
	}
}

// TestTemplate: workers are forks, the template that is killed is replaced and costs nobody
// anything, and a stop leaves nobody behind.
func TestTemplate(t *testing.T) {
	eachTemplate(t, "template", []string{"--max-requests=100"}, func(t *testing.T, s *service, _ []byte) {
		check := s.neverFailed(t)
		g := s.besiege(4)
		template := awaitTemplate(s, harness.Process{})
		areForks(s, template)
		for range 5 {
			shoot(t, template)
			template = awaitTemplate(s, template)
			g.more(100)
		}
		g.lift()
		s.await("all to be idle", func(st status.Service) bool { return st.Busy == 0 && st.Starting == 0 })
		if c := s.state().Counters; c.RejectedReports != 0 || c.Killed != 0 || c.BadStarts != 0 {
			t.Errorf("%+v", c)
		}
		check()
		s.Stop()
		if left := s.Processes(); len(left) > 0 {
			t.Errorf("after the stop %v are left", left)
		}
	})
}

// TestTemplateReload reloads twenty times, three of them with a program that fails: at its
// load, after READY=1, and in the first fork.
func TestTemplateReload(t *testing.T) {
	broken := []string{
		"#!/usr/bin/python3\nraise SystemExit(3)\n",
		templateHead + "raise SystemExit(4)\n",
		templateHead + templateFork + "    os._exit(5)\n",
	}
	eachTemplate(t, "treload", nil, func(t *testing.T, s *service, good []byte) {
		g := s.besiege(4)
		template := awaitTemplate(s, harness.Process{})
		for i := range 20 {
			if i%7 == 3 {
				s.replace("program", []byte(broken[i/7]), 0o755)
				out, err := harness.Run(harness.Availd, "reload", s.Name)
				if want := event.Exited.With(event.Status(3 + i/7)).Error(); err == nil || !strings.Contains(out, want) {
					t.Errorf("availd reload says %q, %v; want %q", out, err, want)
				}
				g.more(20)
				s.replace("program", good, 0o755)
				if list := templatesOf(s); len(list) != 1 || list[0] != template {
					t.Errorf("after a reload that has failed the templates are %v, and not %d", list, template.PID)
				}
				continue
			}
			last := s.youngest()
			s.Reload()
			s.replaced(last)
			template = awaitTemplate(s, template)
			areForks(s, template)
		}
		g.more(20)
		g.lift()
	})
}

// templateHead says READY=1 and waits for an order; templateFork forks for it.
const (
	templateHead = "#!/usr/bin/python3\nimport os, socket\n" +
		"c = socket.socket(fileno=int(os.environ['AVAILD_TEMPLATE_FD']))\nc.send(b'READY=1')\nc.recv(4096)\n"
	templateFork = "if os.fork():\n    os.wait()\n    c.recv(4096)\nelse:\n    if os.fork():\n        os._exit(0)\n"
)

// TestTemplateUpgrade replaces availd twenty times. The template stays.
func TestTemplateUpgrade(t *testing.T) {
	eachTemplate(t, "tupgrade", []string{"--max-requests=100"}, func(t *testing.T, s *service, _ []byte) {
		g := s.besiege(4)
		template := awaitTemplate(s, harness.Process{})
		for i := range 20 {
			s.deploy(versions[(i+1)%2].path)
			if out := harness.MustRun(t, harness.Availd, "upgrade", s.Name); !strings.Contains(out, "upgraded to "+versions[(i+1)%2].version) {
				t.Errorf("availd upgrade says %q", out)
			}
			g.more(10)
		}
		if list := templatesOf(s); len(list) != 1 || list[0] != template {
			t.Errorf("the templates are %v, and not %d", list, template.PID)
		}
		areForks(s, template)
		g.lift()
		if n := s.ShowInt("NRestarts"); n != 0 {
			t.Errorf("systemd has restarted availd %d times", n)
		}
	})
}

// TestTemplateKill kills availd four times a second, while workers come and go.
func TestTemplateKill(t *testing.T) {
	eachTemplate(t, "tkill", []string{"--max-requests=50"}, func(t *testing.T, s *service, _ []byte) {
		s.Rewrite(s.text + section("Service", restartsAtOnce))
		s.killTemplated(t, s.besiege(4))
	})
}

// restartsAtOnce has systemd start an availd that was killed in time for the next kill, also
// where it has much else to do.
var restartsAtOnce = []string{"RestartSec=10ms"}

// TestTemplateKillPrograms does so with programs that do not report by themselves: gunicorn's
// workers, and php-cgi, which the shared object makes a template, behind nginx.
func TestTemplateKillPrograms(t *testing.T) {
	t.Parallel()
	t.Run("gunicorn", func(t *testing.T) {
		p := pool{name: "tkill-gunicorn", service: restartsAtOnce, options: []string{"--limit=4", "--protocol=queue", "--retire-signal=TERM", "--template=worker"}}
		p.command = []string{"/usr/bin/python3", filepath.Join(harness.Examples, "gunicorn", "worker.py"), "--chdir=" + filepath.Join(filesRoot, p.name), "app:application"}
		s := p.install(t, func(s *service) {
			s.write("app.py", `import time
from urllib.parse import parse_qs

def application(environ, start_response):
    time.sleep(int(parse_qs(environ["QUERY_STRING"])["ms"][0]) / 1000)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"done\n"]
`)
		})
		s.killTemplated(t, s.besiege(4))
	})
	t.Run("php-cgi", func(t *testing.T) {
		s := pool{
			name: "tkill-php", command: []string{"/usr/bin/php-cgi"}, service: restartsAtOnce,
			listen: []string{"ListenStream=/run/tkill-php.sock"}, socket: []string{"SocketMode=0660", "SocketGroup=www-data"},
			options: []string{"--limit=4", "--protocol=fastcgi", "--retire-signal=TERM", "--max-requests=50", "--template=preload", "--preload=" + harness.Preload},
		}.install(t, func(s *service) { s.write("index.php", `<?php usleep(1000 * ($_GET["ms"] ?? 0)); echo "done\n";`) })
		s.addr = strings.TrimPrefix(behindNginx(t, s, "/run/tkill-php.sock", s.dir+"$fastcgi_script_name").URL, "http://")
		s.killTemplated(t, s.besiegeWith(4, "/?ms=50", "/?ms=3000"))
	})
}

// killTemplated kills availd four times a second for 15 s, which is 59 times where systemd has
// started the next one in time, under a siege, which it lifts.
func (s *service) killTemplated(t *testing.T, g *siege) {
	t.Helper()
	check := s.neverFailed(t)
	const least = 15
	kills, last, begin := 0, 0, time.Now()
	strike := func() {
		if main := s.Main(); main.PID != 0 && main.PID != last && main.Alive() {
			shoot(t, main)
			kills, last = kills+1, main.PID
		}
	}
	every(250*time.Millisecond, 15*time.Second, strike)
	for kills < least && time.Since(begin) < 3*harness.Patience { // a slow machine starts the next availd later
		every(250*time.Millisecond, time.Second, strike)
	}
	t.Logf("%d SIGKILLs of availd in %v", kills, time.Since(begin).Round(time.Second))
	if kills < least {
		t.Errorf("%d SIGKILLs are no test", kills)
	}
	g.more(100)
	var template harness.Process
	harness.WaitFor(t, "a template of the last availd alone", 2*harness.Patience, func() bool { // the one before answers and exits
		list := templatesOf(s)
		if len(list) != 1 || list[0].Parent() != s.Main().PID {
			return false
		}
		template = list[0]
		return true
	})
	g.more(50)
	g.lift()
	now := s.state()
	t.Logf("%d workers were started, %d have ended, %d unknown ends", now.Counters.Spawned, now.Counters.Exited, now.Counters.UnknownExits)
	if now.Counters.BadStarts != 0 || now.Counters.Killed != 0 || now.Total > g.limit {
		t.Errorf("bad starts %d, killed %d, total %d", now.Counters.BadStarts, now.Counters.Killed, now.Total)
	}
	if !template.Alive() {
		t.Error("the template has ended since")
	}
	check()
	s.Stop()
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("after the stop %v are left", left)
	}
}

// hangs are templates that do not do what they should.
var hangs = []struct{ name, text string }{
	{"never ready", "#!/usr/bin/python3\nimport time\ntime.sleep(1000)\n"},
	{"does not read", strings.Replace(templateHead, "c.recv(4096)\n", "import time\ntime.sleep(1000)\n", 1)},
	{"never there", templateHead + templateFork + "    import time\n    time.sleep(1000)\n"},
}

// TestTemplateHangs: such a template is ended in time, and when it is fixed clients are
// served that have waited.
func TestTemplateHangs(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(forking[1].program)
	if err != nil {
		t.Fatal(err)
	}
	for i, h := range hangs {
		t.Run(h.name, func(t *testing.T) {
			t.Parallel()
			p := pool{name: fmt.Sprint("thangs", i), options: []string{"--limit=4", "--template=worker", "--start-timeout=2s"}}
			p.command = []string{filepath.Join(filesRoot, p.name, "program")}
			s := p.install(t, func(s *service) { s.replace("program", []byte(h.text), 0o755) })
			c := s.client()
			s.awaitEvents(1, event.NotForked)
			c.stillWaits(t)
			s.replace("program", good, 0o755)
			c.served(t)
			awaitTemplate(s, harness.Process{})
			s.Stop()
			if left := s.Processes(); len(left) > 0 {
				t.Errorf("after the stop %v are left", left)
			}
		})
	}
}

// TestTemplateThreads: a template with threads is not forked.
func TestTemplateThreads(t *testing.T) {
	t.Parallel()
	good, err := os.ReadFile(forking[1].program)
	if err != nil {
		t.Fatal(err)
	}
	thread := "import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\nbecome_worker()\n"
	text := strings.Replace(string(good), "\nbecome_worker()\n", "\n"+thread, 1)
	p := pool{name: "tthreads", options: []string{"--limit=4", "--template=worker"}}
	p.command = []string{filepath.Join(filesRoot, p.name, "program")}
	s := p.install(t, func(s *service) { s.replace("program", []byte(text), 0o755) })
	g := s.besiege(4)
	s.awaitEvents(1, event.TemplateThreads, "AVAILD_THREADS=2")
	g.more(50)
	g.lift()
	if list := templatesOf(s); len(list) != 0 {
		t.Errorf("the templates are %v", list)
	}
}

// TestTemplateServing: a program into which the shared object cannot be loaded serves by
// itself. It is stopped to be looked at when availd is killed; the next one lets it go on, and
// ends it when it holds no client.
func TestTemplateServing(t *testing.T) {
	t.Parallel()
	p := pool{name: "tserving", options: []string{"--limit=2", "--protocol=queue", "--template=preload", "--preload=" + harness.Preload}}
	p.command = append([]string{"/usr/bin/env", "-u", "LD_PRELOAD", "-u", "AVAILD_TEMPLATE_FD"}, fast...)
	s := p.install(t)
	running := s.load(1, sleepPath(longWork/3)).Start()
	program := awaitTemplate(s, harness.Process{})
	harness.WaitFor(t, "an answer", harness.Patience, more(running, 1))
	if err := unix.Kill(program.PID, unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	harness.WaitFor(t, "the program to stop", harness.Patience, func() bool { return program.State() == "T" })
	main := s.Main()
	shoot(t, main)
	s.awaitAnother(main)
	harness.WaitFor(t, "the program to go on", harness.Patience, func() bool { return program.State() != "T" }) // or to have ended
	harness.WaitFor(t, "the program to be ended", 2*harness.Patience, func() bool { return !program.Alive() })
	harness.WaitFor(t, "an answer of the next one", harness.Patience, more(running, 1))
	if r := running.Stop(); r.Failed != 0 {
		t.Errorf("lost: %v", r)
	}
}
