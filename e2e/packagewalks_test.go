//go:build e2e

package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/e2e/machine"
	"github.com/availd/availd/internal/testutil"
)

// TestPackageWalks follows the tutorials as a new user would, on a machine of either release
// that has the package: each of their commands is run, in the order of the page.
func TestPackageWalks(t *testing.T) {
	t.Parallel()
	for _, suite := range []string{"bookworm", "trixie"} {
		t.Run(suite, func(t *testing.T) {
			t.Parallel()
			ctx, dir := deadline(t), packaged(t)
			s := system{name: "walks-" + suite, recipe: machine.Walks(suite)}
			m := s.boot(ctx, t, s.tree(ctx, t), dir)
			shell(ctx, t, m, "apt-get install -y -o Dpkg::Use-Pty=0 "+debOf(harness.Dir+"/dist", firstVersion))
			for _, w := range walks {
				t.Run(w.page, func(t *testing.T) { w.run(ctx, t, m) })
			}
		})
	}
}

// walk is one tutorial.
type walk struct {
	page   string            // without .md
	blocks map[string]string // by where the commands look for them: the language of a block of the page
	setup  string            // makes what the page begins with, and shows that it works
	most   int               // commands of the first section that has any, at most
	check  string            // what a user then tries
	after  string            // what holds after the last section
}

// asUser begins a command of a page. As root there needs no sudo, and there is none. A reload
// of nginx is over before its older workers have heard of it; a user is not as fast as that.
const asUser = `cd /root
sudo() { "$@"; }
systemctl() {
	local before=$(pgrep -P "$(cat /run/nginx.pid)")
	command systemctl "$@" || return
	[ "$*" = "reload nginx" ] || return 0
	for pid in $before; do while kill -0 $pid 2>/dev/null; do sleep 0.05; done; done
}
`

func (w walk) run(ctx context.Context, t *testing.T, m *machine.Machine) {
	text, err := os.ReadFile(filepath.Join(moduleRoot, "docs/tutorials", w.page+".md"))
	if err != nil {
		t.Fatal(err)
	}
	page := string(text)
	for path, language := range w.blocks {
		put := m.Command(ctx, "install", "-D", "-m", "755", "/dev/stdin", path)
		put.Stdin = strings.NewReader(testutil.Fenced(page, language)[0])
		if out, err := put.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	shell(ctx, t, m, w.setup)
	first := true
	for line := range strings.Lines(page) {
		heading, is := strings.CutPrefix(line, "## ")
		commands := testutil.Fenced(testutil.Section(page, strings.TrimSpace(heading)), "sh")
		if !is || len(commands) == 0 {
			continue
		}
		begin, changes := time.Now(), 0
		for _, command := range commands {
			said := shell(ctx, t, m, asUser+command)
			t.Logf("%s%s", command, said)
			if strings.HasPrefix(command, "sudo ") {
				changes += strings.Count("\n"+strings.ReplaceAll(command, "\\\n", ""), "\nsudo ")
			}
		}
		if !first {
			continue
		}
		first = false
		if t.Logf("%d commands in %v", changes, time.Since(begin).Round(time.Millisecond)); changes == 0 || changes > w.most {
			t.Errorf("the page has %d commands, want at most %d", changes, w.most)
		}
		shell(ctx, t, m, w.check)
	}
	shell(ctx, t, m, w.after)
}

var walks = []walk{
	{
		page: "php", most: 5,
		blocks: map[string]string{
			"/etc/nginx/sites-enabled/default": "nginx", "/root/apache": "apache", "/root/Caddyfile": "caddy", "/root/section.ini": "ini",
		},
		setup: `version=$(ls /etc/php)
mkdir -p /var/www/site/wp-content/uploads; chown -R www-data: /var/www/site/wp-content
cat >/var/www/site/index.php <<'END'
<?php
session_start();
$_SESSION["visits"] = ($_SESSION["visits"] ?? 0) + 1;
foreach ($_FILES as $f) {
	echo move_uploaded_file($f["tmp_name"], __DIR__ . "/wp-content/uploads/" . $f["name"]) ? "stored" : "lost", "\n";
}
echo "visit ", $_SESSION["visits"], " by ", php_sapi_name(), ", raised: ", var_export(ini_set("memory_limit", "1G") !== false, true), "\n";
END
sed -i "s|fastcgi_pass .*;|fastcgi_pass unix:/run/php/php$version-fpm.sock;|" /etc/nginx/sites-enabled/default
systemctl start php$version-fpm nginx
curl -fsS http://127.0.0.1/ | grep "visit 1 by fpm-fcgi"`,
		check: `version=$(ls /etc/php)
curl() { command curl -sS --max-time 30 "$@"; }
visits() { # ADDRESS
	rm -f /root/jar
	for n in 1 2; do
		curl -f -c /root/jar -b /root/jar "$1/" | grep "visit $n by cgi-fcgi"
	done
	[ "$(curl -o /root/answer -w '%{http_code}' "$1/wp-content/uploads/photo.jpg/x.php")" != 200 ] || ! grep executed /root/answer
}
echo '<?php echo "exec", "uted";' >/root/photo.jpg
curl -f -F file=@/root/photo.jpg http://127.0.0.1/ | grep stored
visits http://127.0.0.1
curl -f http://127.0.0.1/any/page | grep "raised: true"
cat /root/section.ini >>/etc/php/$version/cgi/php.ini
systemctl reload site
curl -f http://127.0.0.1/ | grep "raised: false"

{ echo "<VirtualHost *:8081>"; cat /root/apache; echo "</VirtualHost>"; } >/etc/apache2/sites-enabled/000-default.conf
echo "Listen 8081" >/etc/apache2/ports.conf
a2enmod -q proxy_fcgi
systemctl start apache2
visits http://127.0.0.1:8081

gpasswd -a caddy www-data
sed 's/:80 /:8082 /' /root/Caddyfile >/etc/caddy/Caddyfile
systemctl start caddy
visits http://127.0.0.1:8082
systemctl stop apache2 caddy
availd check site`,
		after: "! pgrep php-cgi; ! systemctl cat site.service; ! ls -d /run/site.sock",
	},
	{
		page: "python", most: 5,
		setup: `useradd -r app; mkdir -p /srv/app
cat >/srv/app/app.py <<'END'
import os

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello from %d\n" % os.getpid()]
END
cat >/etc/systemd/system/gunicorn.service <<'END'
[Service]
Type=notify
User=app
WorkingDirectory=/srv/app
ExecStart=/usr/bin/gunicorn --bind 127.0.0.1:8000 --workers 2 app:application
[Install]
WantedBy=multi-user.target
END
systemctl enable --now gunicorn.service
curl -fsS --retry 20 --retry-connrefused http://127.0.0.1:8000/`,
		check: `pid=$(curl -fsS --max-time 30 http://127.0.0.1:8000/ | sed 's/hello from //')
availd status --format=json app | python3 -c 'import json, sys; assert int(sys.argv[1]) in [w["pid"] for w in json.load(sys.stdin)["workers"]]' "$pid"
python3 -m venv --without-pip --system-site-packages /srv/app/venv
runuser -u app -- availd run --protocol queue --listen 127.0.0.1:8009 -- /srv/app/venv/bin/python /usr/local/libexec/gunicorn-worker --chdir=/srv/app app:application &
curl -fsS --max-time 30 --retry 20 --retry-connrefused http://127.0.0.1:8009/
kill $!; wait $! || :
availd check app`,
		after: "systemctl is-active app.service; systemctl disable --now app.socket app.service",
	},
	{
		page: "inetd", most: 5,
		blocks: map[string]string{"/etc/xinetd.d/rsync": ""},
		setup: `printf 'use chroot = no\n[docs]\npath = /usr/share/doc/availd\n' >/etc/rsyncd.conf
systemctl restart xinetd # Debian 12 has started it at boot, as it has no unit
timeout 30 sh -c 'until rsync rsync://127.0.0.1/; do :; done' | grep docs`,
		check: `rsync rsync://127.0.0.1/docs/copyright /root/copy
cmp /usr/share/doc/availd/copyright /root/copy
availd check rsync-pool`,
		after: "systemctl is-active rsync-pool.socket; systemctl disable --now rsync-pool.socket rsync-pool.service",
	},
	{
		page: "worker", most: 5,
		blocks: map[string]string{"/root/worker.py": "python"},
		check:  "curl -fsS --max-time 30 http://127.0.0.1:8080/ | grep '^hello from'; availd check hello",
		after:  "systemctl disable --now hello.socket hello.service",
	},
}
