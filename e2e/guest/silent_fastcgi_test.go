//go:build e2e

package guest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
)

// TestPHP runs php-cgi, which finishes on SIGTERM.
func TestPHP(t *testing.T) {
	t.Parallel()
	fastcgi(t, "php-cgi", "work.php", `<?php usleep(20000); echo "done by ", getmypid(), "\n";`)
}

// TestFcgiwrap runs fcgiwrap, which would lose its request on SIGTERM.
func TestFcgiwrap(t *testing.T) {
	t.Parallel()
	fastcgi(t, "fcgiwrap", "work.cgi", "#!/bin/sh\necho 'Content-Type: text/plain'\necho\necho done by $$\n")
}

// fastcgi runs the example of a FastCGI program with a script.
func fastcgi(t *testing.T, name, file, text string) {
	t.Helper()
	socket, script := "/run/"+name+"-test.sock", filepath.Join(filesRoot, name, file)
	start := func(t *testing.T, options ...string) *service {
		return silent(t, name, socket, func(s *service) { s.write(file, text) }, append([]string{"--limit=12", "--idle-timeout=2s"}, options...)...)
	}
	ask := func(int) error {
		out, err := cgiFcgi(socket, script)
		if err == nil && !strings.Contains(out, "done by ") {
			t.Errorf("cgi-fcgi says %q", out)
		}
		return err
	}
	t.Run("inferred", func(t *testing.T) {
		s := start(t)
		atOnce(t, 12, 4, ask)
		load := behindNginx(t, s, socket, script)
		s.grows(load, 4, 3)
		s.deploys(load)
	})
	for how, options := range preloads {
		t.Run(how, func(t *testing.T) {
			s := start(t, options...)
			atOnce(t, 60, 4, ask)
			s.counted(60, how == "template")
		})
	}
}

// nginxConf has words in capitals for what differs.
const nginxConf = `
user www-data;
daemon off;
error_log DIR/errors;
pid DIR/pid;
events { worker_connections 256; }
http {
	access_log off;
	client_body_temp_path DIR/body;
	fastcgi_temp_path DIR/fastcgi;
	proxy_temp_path DIR/proxy;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	server {
		listen ADDRESS;
		client_max_body_size 8m;
		location / {
			include /etc/nginx/fastcgi_params;
			fastcgi_param SCRIPT_FILENAME PROGRAM;
			fastcgi_index index.php;
			fastcgi_pass unix:SOCKET;
		}
	}
}
`

// behindNginx starts a web server in front of a FastCGI service; the load goes
// through it. script may have variables of nginx.
func behindNginx(t *testing.T, s *service, socket, script string) harness.Load {
	t.Helper()
	address := harness.Addr(harness.Port())
	dir := filepath.Join(s.dir, "nginx") // its workers are another user, and keep what clients upload
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	conf := s.write("nginx.conf", strings.NewReplacer("ADDRESS", address, "SOCKET", socket, "PROGRAM", script, "DIR", dir).Replace(nginxConf))
	server := exec.Command("nginx", "-c", conf, "-e", filepath.Join(dir, "errors"))
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(unix.SIGTERM)
		_ = server.Wait()
		if errors, _ := os.ReadFile(filepath.Join(dir, "errors")); t.Failed() {
			t.Logf("nginx says:\n%.3000s", errors)
		}
	})
	load := harness.Load{URL: "http://" + address + "/", Clients: 8}
	harness.WaitFor(t, "nginx", harness.Patience, func() bool { _, err := load.Get(); return err == nil })
	return load
}

// cgiFcgi is one request by the FastCGI client of libfcgi.
func cgiFcgi(socket, script string) (string, error) {
	return harness.Run("env", "REQUEST_METHOD=GET", "REDIRECT_STATUS=200", "SCRIPT_FILENAME="+script, "cgi-fcgi", "-bind", "-connect", socket)
}
