//go:build e2e

package bench

import (
	"cmp"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// crashPHP is a page of PHP's, which has no way to end with a status: a script's exit is
// none of its process.
const crashPHP = `<?php
$ways = ["segv" => 11, "memory" => 9];
if (isset($ways[$_GET["die"] ?? ""])) posix_kill(posix_getpid(), $ways[$_GET["die"]]);
echo "hello\n";
`

// crashPython is a worker that reports where it may, and else is an accept loop as
// unmodified programs have it.
const crashPython = `#!/usr/bin/python3
import os, signal, socket, time

def say(line):
    if "NOTIFY_SOCKET" in os.environ:
        s.sendto(line, os.environ["NOTIFY_SOCKET"])

def become_worker():
    orders = socket.socket(fileno=int(os.environ.pop("AVAILD_TEMPLATE_FD")))
    orders.send(b"READY=1")
    while order := orders.recv(4096).decode():
        number, *variables = order.removeprefix("FORK=").split("\n")
        if middle := os.fork():
            os.waitpid(middle, 0)
            continue
        if os.fork():
            os._exit(0)
        os.environ.update(variable.split("=", 1) for variable in variables)
        orders.send(b"BORN=" + number.encode())
        return orders.close()
    raise SystemExit

if "AVAILD_TEMPLATE_FD" in os.environ:
    become_worker()
listener = socket.socket(fileno=3)
listener.setblocking(True)
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
say(b"READY=1")
while True:
    c, _ = listener.accept()
    say(b"X_AVAILD=busy")
    request = c.recv(4096)
    if request.startswith(b"GET /exit"): os._exit(3)
    if request.startswith(b"GET /segv"): os.kill(os.getpid(), signal.SIGSEGV)
    if request.startswith(b"GET /memory"): os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhello\n")
    c.close()
    say(b"X_AVAILD=idle")
`

// crashWSGI is an application of gunicorn's with such pages.
const crashWSGI = `import os, signal, time

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/exit": os._exit(3)
    if path == "/segv": os.kill(os.getpid(), signal.SIGSEGV)
    if path == "/memory": os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.02)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "6")])
    return [b"hello\n"]
`

// crashingPrograms has the peer of a program before it.
func crashingPrograms(t *testing.T) []crashing {
	dir := scratch(t)
	script := write(t, dir, "page.php", crashPHP)
	python := write(t, dir, "worker.py", crashPython)
	write(t, dir, "app.py", crashWSGI)
	// pool runs a command with a protocol, and the options behind it.
	pool := func(protocol string, command ...string) func(*testing.T, int) *rig.Availd {
		return func(t *testing.T, port int) *rig.Availd {
			return rig.StartAvaild(t, harness.Availd, port, append(strings.Fields("--protocol="+protocol), fmt.Sprint("--limit=", crashPool)), command...)
		}
	}
	php := func(way string) string { return fastcgiQuery(script, "die="+way) }
	http := func(way string) string { // a good page takes 20 ms, as a start takes longer than a page of no time by any factor
		request, _ := rig.HTTP("/" + cmp.Or(way, "sleep?ms=20"))
		return request
	}
	const ok = "200 OK"
	return []crashing{
		{name: "php-fpm, static", peer: func(t *testing.T, port int) *rig.Server { return startFPM(t, port, crashPool, "static") }, page: php, answer: "hello", ways: crashWays[1:]},
		{name: "php-cgi, fastcgi", own: pool("fastcgi", "/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi"), page: php, answer: "hello", ways: crashWays[1:], php: true},
		{
			name: "php-cgi, fastcgi, template", own: pool("fastcgi --template=preload --preload="+harness.Preload,
				"/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi"),
			page: php, answer: "hello", ways: crashWays[1:], php: true,
		},
		{name: "Python, notify", own: pool("notify", "/usr/bin/python3", python), page: http, answer: ok, ways: crashWays},
		{name: "Python, queue", own: pool("queue", "/usr/bin/python3", python), page: http, answer: ok, ways: crashWays},
		{name: "Python, notify, template", own: pool("notify --template=worker", "/usr/bin/python3", python), page: http, answer: ok, ways: crashWays},
		{name: "C, board", own: pool("notify", crasher), page: http, answer: ok, ways: crashWays},
		{
			name: "gunicorn, queue", own: pool("queue", filepath.Join(harness.Examples, "gunicorn", "worker.py"),
				"--worker-tmp-dir=/dev/shm", "--chdir="+dir, "--log-level=critical", "app:application"),
			page: http, answer: ok, ways: crashWays,
		},
		{
			name: "gunicorn, queue, template", own: pool("queue --template=worker", filepath.Join(harness.Examples, "gunicorn", "worker.py"),
				"--worker-tmp-dir=/dev/shm", "--chdir="+dir, "--log-level=critical", "app:application"),
			page: http, answer: ok, ways: crashWays,
		},
	}
}
