package examples

//go:generate go test -run TestUnitsAreCurrent -update

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/availd/availd/units"
)

var update = flag.Bool("update", false, "write the units beside the examples anew")

// sets are the examples' units: those that "availd units" writes. Workers listen
// on ports of their own, so that all of them can be tried side by side; programs
// of inetd where their clients look for them.
var sets = map[string]units.Options{
	"http-go":      worker("http-go", "127.0.0.1:8080"),
	"http-python":  worker("http-python", "127.0.0.1:8081"),
	"http-c":       worker("http-c", "127.0.0.1:8082"),
	"http-c-board": worker("http-c-board", "127.0.0.1:8083"),
	"http-perl":    worker("http-perl", "127.0.0.1:8085"),
	"http-asyncio": worker("http-asyncio", "127.0.0.1:8086", "10"),
	"http-ruby":    forked("http-ruby", "127.0.0.1:8090"),
	"http-node": {
		Listen: []string{"127.0.0.1:8087"}, Run: []string{"--protocol=notify"},
		Command: []string{"/usr/local/libexec/http-node/with-reports", "/usr/bin/node", "/usr/local/libexec/http-node/worker.js", "10"},
	},
	"git-daemon": inetd("9418", []string{"--limit=20", "--max-per-source=10"},
		"/usr/bin/git", "-c", "safe.directory=*", "daemon", "--inetd", "--export-all", "--base-path=/srv/git"),
	"rsyncd":   inetd("873", []string{"--limit=10"}, "/usr/bin/rsync", "--daemon"),
	"php-cgi":  silent("fastcgi", "/run/php-cgi.sock", []string{"--retire-signal=TERM"}, "/usr/bin/php-cgi"),
	"fcgiwrap": silent("fastcgi", "/run/fcgiwrap.sock", nil, "/usr/sbin/fcgiwrap"),
	"gunicorn": silent("queue", "127.0.0.1:8000", []string{"--retire-signal=TERM"},
		"/usr/local/libexec/gunicorn-worker", "--chdir=/srv/app", "app:application"),
	"socketserver": silent("queue", "127.0.0.1:8084", nil, "/usr/local/libexec/socketserver"),
	"sshd-inetd":   inetd("2222", []string{"--limit=50", "--max-per-source=10"}, "/usr/sbin/sshd", "-i"),
	"postfix-smtpd": {
		Listen: []string{"25"}, Run: []string{"--protocol=postfix", "--limit=100"},
		Command: []string{"/usr/lib/postfix/sbin/smtpd", "-n", "smtp", "-t", "inet", "-u", "-c", "-o", "stress={stress}"},
	},
}

func worker(name, address string, args ...string) units.Options {
	return units.Options{
		Listen:  []string{address},
		Run:     []string{"--protocol=notify"},
		Command: append([]string{"/usr/local/libexec/" + name}, args...),
	}
}

// forked are forks of a template.
func forked(name, address string) units.Options {
	o := worker(name, address)
	o.Run = append(o.Run, "--template=worker")
	return o
}

// silent are programs that do not report.
func silent(protocol, address string, run []string, command ...string) units.Options {
	o := units.Options{Listen: []string{address}, Run: append([]string{"--protocol=" + protocol}, run...), Command: command}
	if strings.HasPrefix(address, "/") {
		o.SocketGroup = "www-data" // Debian's web servers
	}
	return o
}

func inetd(port string, run []string, command ...string) units.Options {
	return units.Options{Listen: []string{port}, Run: append([]string{"--protocol=inetd"}, run...), Command: command}
}

func TestUnitsAreCurrent(t *testing.T) {
	for name, options := range sets {
		options.Name = name
		set, err := units.Generate(options)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.MkdirAll(name, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := set.WriteTo(name, name, true); err != nil {
				t.Fatal(err)
			}
		}
		for suffix, want := range map[string][]byte{
			".socket": set.Socket, ".service": set.Service, "-backoff.service": set.Backoff, ".conf": set.Conf,
		} {
			path := filepath.Join(name, name+suffix)
			if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s is not what the generator writes (%v), run: go generate ./examples", path, err)
			}
		}
	}
}
