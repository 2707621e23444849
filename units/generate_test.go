package units

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

// web is a service with nothing special about it.
func web() Options {
	return Options{Name: "web", Listen: []string{"127.0.0.1:8080"}, Command: []string{"/usr/local/libexec/web"}}
}

func generate(t *testing.T, o Options) Set {
	t.Helper()
	set, err := Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// hasLines wants each line in text, whole.
func hasLines(t *testing.T, what string, text []byte, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !bytes.Contains(append([]byte("\n"), text...), []byte("\n"+line+"\n")) {
			t.Errorf("%s has no line %q", what, line)
		}
	}
}

func lacks(t *testing.T, what string, text []byte, words ...string) {
	t.Helper()
	for _, w := range words {
		if bytes.Contains(text, []byte(w)) {
			t.Errorf("%s has %q", what, w)
		}
	}
}

func TestGenerateSaysWhatAvaildNeeds(t *testing.T) {
	set := generate(t, web())
	hasLines(t, "service", set.Service, "Type=notify", "NotifyAccess=main", "KillMode=process", "Restart=on-failure",
		"RestartSec=100ms", "StartLimitIntervalSec=0", "FileDescriptorStoreMax=4096", "RuntimeDirectory=availd/web", "RuntimeDirectoryMode=0750", "Environment=AVAILD_SOCKET=web.socket",
		"RuntimeDirectoryPreserve=restart", "OOMPolicy=continue", "WatchdogSec=30s", "TimeoutStopSec=60s",
		"ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web",
		"ExecReload=/usr/bin/availd reload web", "ExecStopPost=/usr/bin/availd reap", "DynamicUser=yes", "ProtectHome=yes",
		"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "SystemCallErrorNumber=EPERM", "SyslogIdentifier=web",
		"LimitNOFILE=9216:524288", "Environment=AVAILD_OWN_NOFILE=9216", "Wants=web-backoff.service", "After=web-backoff.service")
	hasLines(t, "backoff", set.Backoff, "PartOf=web.service", "Type=oneshot", "RemainAfterExit=yes")
	lacks(t, "service", set.Service, "RestartPreventExitStatus", "NonBlocking=")
	hasLines(t, "socket", set.Socket, "ListenStream=127.0.0.1:8080", "TriggerLimitIntervalSec=0", "Backlog=4096",
		"ExecStopPost=/usr/bin/availd reap", "WantedBy=sockets.target")
	lacks(t, "socket", set.Socket, "SocketMode", "SocketGroup")
}

// TestStopTimeout: systemd waits longer than availd, which may be reconfigured.
func TestStopTimeout(t *testing.T) {
	for timeout, want := range map[time.Duration]string{time.Second: "60s", 30 * time.Second: "60s", 10 * time.Minute: "630s"} {
		o := web()
		o.StopTimeout = timeout
		hasLines(t, "service", generate(t, o).Service, "TimeoutStopSec="+want)
	}
}

func TestGenerateFollowsOptions(t *testing.T) {
	o := web()
	o.Listen = []string{"/run/web.sock", ":80", "@web"}
	o.SocketGroup = "www-data"
	o.Run = []string{"--limit=50", "--protocol=notify", "--retire-signal=USR1"}
	o.Command = []string{"/usr/bin/python3", "/home/me/web", "stress={stress}"}
	o.Binary, o.ConfDir = "/opt/availd/bin/availd", "/srv/conf"
	set := generate(t, o)
	hasLines(t, "service", set.Service, "NonBlocking=yes", "ProtectHome=read-only",
		"ExecStart=/opt/availd/bin/availd run --config /srv/conf/web.conf -- /usr/bin/python3 /home/me/web stress={stress}",
		"ExecReload=/opt/availd/bin/availd reload web", "ExecStopPost=/opt/availd/bin/availd reap")
	hasLines(t, "socket", set.Socket, "ListenStream=/run/web.sock", "ListenStream=80", "ListenStream=@web",
		"SocketMode=0660", "SocketGroup=www-data", "ExecStopPost=/opt/availd/bin/availd reap")
	hasLines(t, "conf", set.Conf, "limit=50", "protocol=notify", "retire-signal=USR1")
	lacks(t, "conf", set.Conf, "#limit")
}

func TestGenerateNonBlocking(t *testing.T) {
	for _, test := range []struct {
		name string
		run  []string
		ask  bool
		want bool
	}{
		{"notify: workers poll", []string{"--protocol=notify"}, false, true},
		{"auto: the program may block in accept", nil, false, false},
		{"queue: the program may block in accept", []string{"--protocol=queue"}, false, false},
		{"the last protocol counts", []string{"--protocol=notify", "--protocol=queue"}, false, false},
		{"asked for", []string{"--protocol=auto"}, true, true},
	} {
		o := web()
		o.Run, o.NonBlocking = test.run, test.ask
		if got := bytes.Contains(generate(t, o).Service, []byte("\nNonBlocking=yes\n")); got != test.want {
			t.Errorf("%s: NonBlocking=yes is %v, want %v", test.name, got, test.want)
		}
	}
}

// A program of inetd has a socket like all others: availd accepts.
func TestGenerateInetd(t *testing.T) {
	o := web()
	o.Run = []string{"--protocol=inetd", "--max-per-source=5"}
	set := generate(t, o)
	hasLines(t, "socket", set.Socket, "Accept=no")
	hasLines(t, "conf", set.Conf, "protocol=inetd", "max-per-source=5")
	lacks(t, "service", set.Service, "NonBlocking=")
	lacks(t, "socket of another protocol", generate(t, web()).Socket, "Accept=no")
}

// Every setting is in a paragraph that begins with its reason. What only
// names the unit needs none.
func TestGenerateGivesReasons(t *testing.T) {
	o := web()
	o.Listen = append(o.Listen, "/run/web.sock")
	o.Run = []string{"--protocol=notify"}
	o.StatusListen, o.AgentListen = "9080", "/run/web.agent"
	givesReasons(t, generate(t, o))
	o.Source, o.Refused = "/etc/availd/web.conf", "wrong"
	givesReasons(t, generate(t, o))
}

func givesReasons(t *testing.T, set Set) {
	t.Helper()
	for what, text := range map[string][]byte{"socket": set.Socket, "service": set.Service, "backoff": set.Backoff, "status": set.Status, "agent": set.Agent} {
		for _, paragraph := range strings.Split(string(text), "\n\n") {
			explained := false
			for _, line := range strings.Split(strings.TrimSpace(paragraph), "\n") {
				key, _, setting := strings.Cut(line, "=")
				switch {
				case strings.HasPrefix(line, "#"):
					explained = true
				case key == "Description" || key == "ListenStream" || key == "WantedBy" || key == "ExecStart":
				case setting && !explained:
					t.Errorf("%s: %s is given no reason", what, key)
				}
			}
		}
	}
}

// Of what confines the service every line has a reason of its own, so that who
// gives way knows what for.
func TestGenerateGivesEachReason(t *testing.T) {
	_, confinement, found := strings.Cut(string(generate(t, web()).Service), "What follows confines availd")
	before, settings := "", 0
	for line := range strings.Lines(confinement) {
		if key, _, setting := strings.Cut(line, "="); setting && !strings.HasPrefix(line, "#") {
			settings++
			if !strings.HasPrefix(before, "# ") {
				t.Errorf("%s has no reason of its own", key)
			}
		}
		before = line
	}
	if !found || settings < 15 {
		t.Errorf("%d settings are found", settings)
	}
}

func TestGenerateRefuses(t *testing.T) {
	for _, test := range []struct {
		change func(*Options)
		want   string // part of the error
	}{
		{func(o *Options) { o.Name = "" }, `name "": want 1 to 80`},
		{func(o *Options) { o.Name = "web.service" }, "leave out .service, one name serves all three files: web"},
		{func(o *Options) { o.Name = "web@1" }, "templates are not supported"},
		{func(o *Options) { o.Name = "../web" }, `name "../web": want`},
		{func(o *Options) { o.Name = "-web" }, `name "-web": want`},
		{func(o *Options) { o.Name = "a:b" }, `name "a:b": want`},
		{func(o *Options) { o.Name = "web\n" }, "want 1 to 80"},
		{func(o *Options) { o.Name = strings.Repeat("x", 81) }, "want 1 to 80"},
		{func(o *Options) { o.Listen = nil }, "no address to listen on"},
		{func(o *Options) { o.Command = nil }, "no command"},
		{func(o *Options) { o.Command = []string{"worker"} }, "try: $(command -v worker)"},
		{func(o *Options) { o.Command = []string{"./worker"} }, "want an absolute path"},
		{func(o *Options) { o.Command = []string{"/usr//bin/x"} }, "want the shortest form, /usr/bin/x"},
		{func(o *Options) { o.Command = []string{"/tmp/worker"} }, "install it elsewhere"},
		{func(o *Options) { o.Command = []string{"/bin/x", "a\x00b"} }, "UTF-8 without NUL"},
		{func(o *Options) { o.Command = []string{"/bin/x", "\xff"} }, "UTF-8 without NUL"},
		{func(o *Options) { o.Binary = "availd" }, `path of availd "availd": want an absolute path`},
		{func(o *Options) { o.Binary = "/opt/my tools/availd" }, "want an absolute path"},
		{func(o *Options) { o.ConfDir = "etc" }, `configuration directory "etc"`},
		{func(o *Options) { o.SocketGroup = "a b" }, `group "a b"`},
		{func(o *Options) { o.SocketGroup = "www-data" }, "no address is a path"},
		{func(o *Options) { o.Run = []string{"--limit"} }, "want --name=value"},
		{func(o *Options) { o.Run = []string{"limit=3"} }, "want --name=value"},
		{func(o *Options) { o.Run = []string{"--=3"} }, "want --name=value"},
		{func(o *Options) { o.Run = []string{"--limit=3\nprotocol=queue"} }, "a value is one line"},
		{func(o *Options) { o.Run = []string{"--listen=:80"} }, "the socket unit listens"},
		{func(o *Options) { o.Run = []string{"--config=/x"} }, "NAME.conf is the configuration"},
		{func(o *Options) { o.Properties = []string{"MemoryMax"} }, "want KEY=VALUE"},
		{func(o *Options) { o.Properties = []string{"memoryMax=1"} }, "want KEY=VALUE"},
		{func(o *Options) { o.Properties = []string{"X=1\nType=simple"} }, "a value is one line"},
		{func(o *Options) { o.Properties = []string{`X=1\`} }, "a value is one line"},
		{func(o *Options) { o.Properties = []string{"KillMode=mixed"} }, "kills the workers when availd dies"},
		{func(o *Options) { o.Properties, o.ConfigHome = []string{"User=me"}, "/home/me/.config" }, "runs everything as that user"},
		{func(o *Options) { o.Systemd = 251 }, "systemd 251: availd needs version 252 or later"},
		{func(o *Options) { o.Listen, o.Run = []string{"80", "81"}, []string{"--protocol=fastcgi"} }, "has one, as descriptor 0"},
	} {
		o := web()
		test.change(&o)
		set, err := Generate(o)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want one that says %q", err, test.want)
		}
		if set.Service != nil {
			t.Errorf("%v, and yet there is a service", err)
		}
	}
}
