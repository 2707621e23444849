//go:build e2e

package bench

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestPHP: php-cgi under availd, and PHP's own FastCGI process manager.
func TestPHP(t *testing.T) {
	dir := scratch(t)
	app := application{
		quick:  fastcgi(write(t, dir, "quick.php", `<?php echo "hello\n";`)),
		slow:   fastcgi(write(t, dir, "slow.php", fmt.Sprintf(`<?php usleep(%d); echo "hello\n";`, stackSleep.Microseconds()))),
		answer: "hello",
	}
	own := func(t *testing.T, port, limit int, more ...string) *rig.Server {
		return rig.StartAvaild(t, harness.Availd, port,
			append([]string{"--protocol=fastcgi", fmt.Sprint("--limit=", limit), "--max-starting=auto", "--retire-signal=TERM"}, more...),
			"/usr/bin/env", "PHP_FCGI_MAX_REQUESTS=0", "/usr/bin/php-cgi").Server
	}
	stacks := []stack{{
		name:  "availd + php-cgi",
		start: func(t *testing.T, port, limit int) *rig.Server { return own(t, port, limit) },
		full: func(t *testing.T, port, limit int) *rig.Server {
			return accepting(t, limit, own(t, port, limit, fmt.Sprint("--min-spare=", limit), fmt.Sprint("--max-starting=", limit)))
		},
	}}
	for _, pm := range []string{"static", "dynamic", "ondemand"} {
		start := func(t *testing.T, port, limit int) *rig.Server { return startFPM(t, port, limit, pm) }
		s := stack{name: "php-fpm " + pm, start: start}
		if pm == "static" {
			s.full = func(t *testing.T, port, limit int) *rig.Server {
				return accepting(t, limit, start(t, port, limit))
			}
		}
		stacks = append(stacks, s)
	}
	compareStacks(t, "PHP: availd and php-cgi against php-fpm, with opcache", app, stacks)
}

// accepting waits until so many workers wait for a connection.
func accepting(t *testing.T, workers int, s *rig.Server) *rig.Server {
	t.Helper()
	s.AwaitWorkers(t, workers, harness.Process.Accepting)
	return s
}

// startFPM runs php-fpm with one pool; what its ways of managing it want to be
// told is what Debian's file says, but for the limit.
func startFPM(t *testing.T, port, limit int, pm string) *rig.Server {
	t.Helper()
	dir := scratch(t)
	conf := write(t, dir, "fpm.conf", fmt.Sprintf(`[global]
error_log = %s/log
daemonize = no
[bench]
user = www-data
group = www-data
listen = %s
listen.backlog = 4096
pm = %s
pm.max_children = %d
pm.start_servers = 2
pm.min_spare_servers = 1
pm.max_spare_servers = 3
pm.process_idle_timeout = 10s
`, dir, harness.Addr(port), pm, limit))
	return rig.StartListening(t, port, nil, "/usr/sbin/php-fpm8.2", "-F", "-y", conf)
}

// fastcgi is a whole request for a script: a record that begins it, its
// variables, and ends of both streams (FastCGI specification, 3.3 and 6.2).
func fastcgi(script string) string { return fastcgiQuery(script, "") }

// fastcgiQuery is fastcgi with a query of its URL.
func fastcgiQuery(script, query string) string {
	variables := ""
	for _, v := range [][2]string{
		{"QUERY_STRING", query},
		{"SCRIPT_FILENAME", script},
		{"SCRIPT_NAME", "/"},
		{"REQUEST_METHOD", "GET"},
		{"REQUEST_URI", "/"},
		{"SERVER_PROTOCOL", "HTTP/1.1"},
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REDIRECT_STATUS", "200"},
	} {
		variables += string([]byte{byte(len(v[0])), byte(len(v[1]))}) + v[0] + v[1]
	}
	const begin, params, stdin = 1, 4, 5
	return record(begin, "\x00\x01\x00\x00\x00\x00\x00\x00") + record(params, variables) + record(params, "") + record(stdin, "")
}

func record(kind byte, content string) string {
	head := []byte{1, kind, 0, 1, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(head[4:], uint16(len(content)))
	return string(head) + content
}
