package check_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/limits"
	"github.com/availd/availd/internal/status"
	"github.com/availd/availd/internal/survey"
	"github.com/availd/availd/units"
)

// set is a service of generated units, which are right, and what was seen of a machine on
// which all is well.
type set struct {
	options units.Options
	files   map[string]string // by the ending of the name
}

func generated(t *testing.T, o units.Options) *set {
	t.Helper()
	o.Name = "web"
	if o.Listen == nil {
		o.Listen = []string{"127.0.0.1:8080"}
	}
	if o.Command == nil {
		o.Command = []string{"/usr/local/libexec/web"}
	}
	g, err := units.Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return &set{options: o, files: map[string]string{".service": string(g.Service), ".socket": string(g.Socket), ".conf": string(g.Conf)}}
}

// write puts the files into a directory and reads them as availd check does.
func (s *set) write(t *testing.T) check.Facts {
	t.Helper()
	dir := t.TempDir()
	for ending, text := range s.files {
		if err := os.WriteFile(filepath.Join(dir, "web"+ending), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	all, err := survey.Files([]string{filepath.Join(dir, "web.service")})
	if err != nil || len(all) != 1 {
		t.Fatalf("%d services, %v", len(all), err)
	}
	return all[0]
}

// onMachine adds a machine on which all is well, and a service that is not started.
func onMachine(f *check.Facts) {
	f.Machine = &check.Machine{
		User: "the user web", Paths: map[string]check.Path{}, Missing: map[string]bool{}, Ways: map[string][]check.Directory{},
		GroupNumbers: map[string]int{"www-data": 33}, Kernel: check.Kernel{Pidfd: true, Memfd: true, CloseRange: true, SockDiag: true},
		Room: limits.Facts{PerWorker: limits.Unknown},
	}
	for _, n := range f.Names() {
		f.Machine.Paths[n.Path] = check.Path{Exists: true, Executable: true, Readable: true, Directory: n.Line == "WorkingDirectory="}
	}
	f.State = &check.State{Active: "inactive", Result: "success", Sockets: map[string]check.SocketState{}}
	for _, u := range f.Sockets {
		f.State.Sockets[u.Name] = check.SocketState{Active: "active", Enabled: "enabled"}
	}
}

// replace changes a line of a file; the line has to be there.
func replace(ending, line, by string) func(*testing.T, *set) {
	return func(t *testing.T, s *set) {
		t.Helper()
		if !strings.Contains(s.files[ending], line+"\n") {
			t.Fatalf("there is no line %q in\n%s", line, s.files[ending])
		}
		s.files[ending] = strings.Replace(s.files[ending], line+"\n", by+"\n", 1)
	}
}

// add adds a line to the [Service] section.
func add(line string) func(*testing.T, *set) {
	return replace(".service", "[Service]", "[Service]\n"+line)
}

// asked are properties of the generated service.
func asked(properties ...string) units.Options { return units.Options{Properties: properties} }

func protocol(name string, command ...string) units.Options {
	return units.Options{Run: []string{"--protocol=" + name}, Command: command}
}

func path(t string) units.Options {
	return units.Options{Listen: []string{"/run/web.sock"}, SocketGroup: "www-data", Run: []string{"--protocol=" + t}}
}

// mistake is one that somebody has made.
type mistake struct {
	name    string
	options units.Options
	seed    func(*testing.T, *set) // in the files
	facts   func(*check.Facts)     // in what was seen
	id      string                 // of the finding
	worst   check.Severity
	line    string // of the finding: what to write
}

func mistakes() []mistake {
	all := append(mistakesOfUnits(), mistakesOfConfinement()...)
	return append(append(all, mistakesOfMachines()...), mistakesOfServices()...)
}

func mistakesOfUnits() []mistake {
	return []mistake{
		{name: "a word for a number", seed: replace(".conf", "#limit=100", "limit=lots"), id: "configuration-refused", worst: check.Error, line: "limit=lots"},
		{name: "a misspelt option", seed: replace(".conf", "#limit=100", "limt=5"), id: "configuration-refused", worst: check.Error, line: "limt="},
		{name: "NonBlocking= of a worker that polls", options: protocol("notify"), seed: replace(".service", "NonBlocking=yes", ""), id: "non-blocking", worst: check.Warning, line: "NonBlocking=yes"},
		{name: "NonBlocking= of a program that blocks", options: protocol("queue"), seed: add("NonBlocking=yes"), id: "blocking", worst: check.Warning, line: "NonBlocking=no"},
		{name: "NonBlocking= of FastCGI", options: protocol("fastcgi"), seed: add("NonBlocking=yes"), id: "blocking", worst: check.Error, line: "NonBlocking=no"},
		{name: "KillMode= of others", seed: replace(".service", "KillMode=process", "KillMode=mixed"), id: "kill-mode", worst: check.Warning, line: "KillMode=process"},
		{name: "no KillMode=", seed: replace(".service", "KillMode=process", ""), id: "kill-mode", worst: check.Warning, line: "KillMode=process"},
		{name: "no store", seed: replace(".service", "FileDescriptorStoreMax=4096", ""), id: "store", worst: check.Warning, line: "FileDescriptorStoreMax=4096"},
		{name: "a small store", seed: replace(".service", "FileDescriptorStoreMax=4096", "FileDescriptorStoreMax=50"), id: "store-size", worst: check.Warning, line: "FileDescriptorStoreMax=4096"},
		{name: "a raised stop-timeout", seed: replace(".conf", "#limit=100", "stop-timeout=5min"), id: "stop-timeout", worst: check.Warning, line: "TimeoutStopSec=330s"},
		{name: "TasksMax=", seed: add("TasksMax=60"), id: "tasks", worst: check.Warning, line: "TasksMax=224"},
		{name: "LimitNOFILE=", seed: replace(".service", "LimitNOFILE=9216:524288", "LimitNOFILE=64"), id: "files", worst: check.Warning, line: "LimitNOFILE=550"},
		{name: "a soft LimitNOFILE=", seed: replace(".service", "LimitNOFILE=9216:524288", "LimitNOFILE=256:524288"), id: "store-files", worst: check.Warning, line: "LimitNOFILE=550:524288"},
		{name: "LimitNPROC=", seed: add("LimitNPROC=40"), id: "processes", worst: check.Warning, line: "LimitNPROC=224"},
		{name: "MemoryMax=", seed: add("MemoryMax=50M"), id: "memory", worst: check.Warning, line: "MemoryMax=1000M"},
		{name: "Accept=yes", options: protocol("inetd"), seed: replace(".socket", "Accept=no", "Accept=yes"), id: "accept", worst: check.Error, line: "Accept=no"},
		{name: "the limit of activations", seed: replace(".socket", "TriggerLimitIntervalSec=0", ""), id: "trigger-limit", worst: check.Warning, line: "TriggerLimitIntervalSec=0"},
		{name: "the runtime directory of a restart", seed: replace(".service", "RuntimeDirectoryPreserve=restart", ""), id: "runtime-preserve", worst: check.Warning, line: "RuntimeDirectoryPreserve=restart"},
		{name: "no runtime directory", seed: replace(".service", "RuntimeDirectory=availd/web", ""), id: "runtime-directory", worst: check.Warning, line: "RuntimeDirectory=availd/web"},
		{name: "the limit of starts", seed: replace(".service", "StartLimitIntervalSec=0", ""), id: "start-limit", worst: check.Warning, line: "StartLimitIntervalSec=0"},
		{name: "no Restart=", seed: replace(".service", "Restart=on-failure", ""), id: "restart", worst: check.Warning, line: "Restart=on-failure"},
		{name: "Restart=always of a service that leaves", options: units.Options{Run: []string{"--exit-idle-time=10min"}}, seed: replace(".service", "Restart=on-failure", "Restart=always"), id: "restart-always", worst: check.Warning, line: "Restart=on-failure"},
		{name: "Type=simple", seed: replace(".service", "Type=notify", "Type=simple"), id: "type", worst: check.Warning, line: "Type=notify"},
		{name: "no ExecStopPost=", seed: replace(".service", "ExecStopPost=/usr/bin/availd reap", ""), id: "reap", worst: check.Warning, line: "ExecStopPost=/usr/bin/availd reap"},
		{name: "a reload of another", seed: replace(".service", "ExecReload=/usr/bin/availd reload web", "ExecReload=/usr/bin/availd reload wbe"), id: "exec-reload", worst: check.Warning, line: "ExecReload=/usr/bin/availd reload web"},
		{name: "OOMPolicy=", seed: replace(".service", "OOMPolicy=continue", ""), id: "oom-policy", worst: check.Warning, line: "OOMPolicy=continue"},
		{name: "spares of a service that is not enabled", seed: replace(".conf", "#limit=100", "min-spare=2"), id: "spares-later", worst: check.Warning, line: "WantedBy=multi-user.target"},
		{name: "a shell before availd", seed: replace(".service", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web", "ExecStart=/bin/sh -c 'availd run'"), id: "exec-start", worst: check.Warning, line: "ExecStart="},
		{name: "php-cgi with another protocol", options: protocol("queue", "/usr/bin/php-cgi8.2"), id: "wrong-protocol", worst: check.Error, line: "protocol=fastcgi"},
		{name: "sshd without inetd", options: protocol("auto", "/usr/sbin/sshd", "-i"), id: "wrong-protocol", worst: check.Error, line: "protocol=inetd"},
		{name: "a datagram socket of a program that accepts", options: protocol("queue"), seed: replace(".socket", "ListenStream=127.0.0.1:8080", "ListenDatagram=127.0.0.1:8080"), id: "socket-kind", worst: check.Error, line: "ListenDatagram=127.0.0.1:8080"},
		{name: "two sockets of FastCGI", options: protocol("fastcgi"), seed: replace(".socket", "ListenStream=127.0.0.1:8080", "ListenStream=8080\nListenStream=8081"), id: "one-socket", worst: check.Error},
		{name: "no socket", seed: func(_ *testing.T, s *set) { delete(s.files, ".socket") }, id: "no-socket", worst: check.Error},
		{name: "a socket and listen=", seed: replace(".conf", "#limit=100", "listen=8081"), id: "two-listeners", worst: check.Error},
		{name: "a queue that is emptied", seed: replace(".socket", "[Socket]", "[Socket]\nFlushPending=yes"), id: "flush-pending", worst: check.Warning, line: "FlushPending=no"},
		{name: "a path for root alone", options: units.Options{Listen: []string{"/run/web.sock"}}, id: "only-root", worst: check.Warning, line: "SocketGroup=www-data"},
		{name: "a path that goes with the service", options: path("queue"), seed: func(t *testing.T, s *set) {
			replace(".socket", "ListenStream=/run/web.sock", "ListenStream=/run/web/web.sock")(t, s)
			replace(".service", "RuntimeDirectory=availd/web", "RuntimeDirectory=availd/web web")(t, s)
		}, id: "path-removed", worst: check.Warning, line: "ListenStream=/run/web.sock"},
	}
}

func mistakesOfConfinement() []mistake {
	return []mistake{
		{name: "a command below /home", seed: replace(".service", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /home/me/web"), id: "hidden", worst: check.Error, line: "ProtectHome=read-only"},
		{name: "a script in /tmp", options: asked("User=web"), seed: replace(".service", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/bin/python3 /tmp/web.py"), id: "hidden", worst: check.Error, line: "PrivateTmp=no"},
		{name: "a script in /tmp of a dynamic user", seed: replace(".service", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/bin/python3 /tmp/web.py"), id: "hidden", worst: check.Error, line: "User=NAME"},
		{name: "an argument below /home", seed: replace(".service", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web", "ExecStart=/usr/bin/availd run --config /etc/availd/web.conf -- /usr/local/libexec/web /home/me/data"), id: "hidden", worst: check.Warning, line: "ProtectHome=read-only"},
		{name: "InaccessiblePaths=", seed: add("InaccessiblePaths=-/usr/local"), id: "hidden", worst: check.Error, line: "BindReadOnlyPaths=/usr/local/libexec/web"},
		{name: "TemporaryFileSystem=", seed: add("TemporaryFileSystem=/etc:ro"), id: "hidden", worst: check.Error, line: "BindReadOnlyPaths=/etc/availd/web.conf"},
		{name: "NoExecPaths=", seed: add("NoExecPaths=/\nExecPaths=/usr/bin /usr/lib"), id: "hidden", worst: check.Error, line: "ExecPaths=/usr/local/libexec/web"},
		{name: "a working directory below /root", seed: add("WorkingDirectory=/root/web"), id: "hidden", worst: check.Error, line: "ProtectHome=read-only"},
		{name: "a control socket on a read-only file system", seed: replace(".conf", "#limit=100", "control=/var/lib/web/control"), id: "read-only", worst: check.Error, line: "ReadWritePaths=/var/lib/web"},
		{name: "no Unix sockets", seed: replace(".service", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictAddressFamilies=AF_INET"), id: "no-unix", worst: check.Error, line: "RestrictAddressFamilies=AF_UNIX"},
		{name: "no netlink", options: path("queue"), seed: replace(".service", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictAddressFamilies=AF_UNIX"), id: "no-netlink", worst: check.Warning, line: "RestrictAddressFamilies=AF_NETLINK"},
		{name: "a network of its own", options: path("fastcgi"), seed: add("PrivateNetwork=yes"), id: "private-network", worst: check.Warning, line: "PrivateNetwork=no"},
		{name: "no /proc", seed: add("InaccessiblePaths=-/proc"), id: "no-proc", worst: check.Error, line: "InaccessiblePaths="},
		{name: "PIDs of its own", seed: add("PrivatePIDs=yes"), id: "private-pids", worst: check.Error, line: "PrivatePIDs=no"},
	}
}

// see changes how a path looks.
func see(path string, p check.Path) func(*check.Facts) {
	return func(f *check.Facts) { f.Machine.Paths[path] = p }
}

func mistakesOfMachines() []mistake {
	const web = "/usr/local/libexec/web"
	return []mistake{
		{name: "a wrong path", facts: see(web, check.Path{}), id: "missing", worst: check.Error},
		{name: "not executable", facts: see(web, check.Path{Exists: true, Readable: true}), id: "not-executable", worst: check.Error},
		{name: "a directory", facts: see(web, check.Path{Exists: true, Executable: true, Directory: true}), id: "not-executable", worst: check.Error},
		{name: "not by that user", facts: see(web, check.Path{Why: "permission denied at /srv/closed"}), id: "unreachable", worst: check.Error},
		{name: "no interpreter", facts: see(web, check.Path{Exists: true, Executable: true, Readable: true, Interpreter: "/usr/bin/python9", Broken: true}), id: "interpreter", worst: check.Error},
		{name: "no script", options: protocol("queue", "/usr/bin/python3", "/srv/web/worker.py"), facts: see("/srv/web/worker.py", check.Path{}), id: "missing", worst: check.Error},
		{name: "a script that may not be read", options: protocol("queue", "/usr/bin/python3", "-u", "/srv/web/worker.py"), facts: see("/srv/web/worker.py", check.Path{Exists: true}), id: "not-readable", worst: check.Error},
		{name: "no working directory", seed: add("WorkingDirectory=/srv/web"), facts: see("/srv/web", check.Path{}), id: "working-directory", worst: check.Error},
		{name: "a confinement that cannot be made", facts: func(f *check.Facts) { f.Machine.Gone = "status 226/NAMESPACE" }, id: "confinement-fails", worst: check.Error},
		{name: "no such user", options: asked("User=web"), facts: func(f *check.Facts) { f.Machine.Missing["User=web"] = true }, id: "no-such-user", worst: check.Error, line: "User=web"},
		{name: "no such group of clients", options: path("queue"), facts: func(f *check.Facts) { f.Machine.Missing["SocketGroup=www-data"] = true }, id: "no-such-group", worst: check.Error, line: "SocketGroup=www-data"},
		{name: "a directory that clients cannot pass", options: path("queue"), facts: func(f *check.Facts) {
			f.Machine.Ways["/run/web.sock"] = []check.Directory{{Path: "/run", Mode: 0o750}}
		}, id: "unreachable-path", worst: check.Warning, line: "ListenStream=/run/web.sock"},
		{name: "a port in use", facts: func(f *check.Facts) {
			f.State.Sockets["web.socket"] = check.SocketState{Active: "failed", Result: "resources", Enabled: "enabled"}
			f.Machine.Holders = []check.Holder{{Address: "127.0.0.1:8080", PID: 77, Command: "nginx"}}
		}, id: "address-in-use", worst: check.Error, line: "ListenStream=127.0.0.1:8080"},
		{name: "an old kernel", facts: func(f *check.Facts) { f.Machine.Kernel.Pidfd = false }, id: "no-pidfd", worst: check.Error},
		{name: "no close_range", facts: func(f *check.Facts) { f.Machine.Kernel.CloseRange = false }, id: "no-close-range", worst: check.Warning},
		{name: "no unix_diag", options: path("queue"), facts: func(f *check.Facts) { f.Machine.Kernel.SockDiag = false }, id: "no-sock-diag", worst: check.Warning},
		{name: "a filter that forbids what availd needs", seed: replace(".service", "SystemCallFilter=@system-service", "SystemCallFilter=@basic-io"), facts: func(f *check.Facts) {
			f.Machine.Calls = map[string][]string{"@default": {"execve", "mmap"}, "@basic-io": {"dup3", "close", "fcntl"}}
		}, id: "calls-denied", worst: check.Error, line: "SystemCallFilter=@system-service"},
		{name: "a filter that kills", seed: replace(".service", "SystemCallErrorNumber=EPERM", ""), id: "calls-kill", worst: check.Warning, line: "SystemCallErrorNumber=EPERM"},
	}
}

// says is what a running service says.
func says(change func(*status.Service)) func(*check.Facts) {
	return func(f *check.Facts) {
		f.State.Active = "active"
		f.Status = &status.Service{Name: "web", Protocol: f.Config.Protocol.Name, Limit: f.Config.Limit}
		change(f.Status)
	}
}

func mistakesOfServices() []mistake {
	since, later, reason := time.Now().Add(-time.Minute), time.Now().Add(time.Minute), "worker exited with status 1"
	return []mistake{
		{name: "a socket that is not started", facts: func(f *check.Facts) {
			f.State.Sockets["web.socket"] = check.SocketState{Active: "inactive", Enabled: "disabled"}
		}, id: "socket-not-started", worst: check.Error},
		{name: "a socket that is not enabled", facts: func(f *check.Facts) {
			f.State.Sockets["web.socket"] = check.SocketState{Active: "active", Enabled: "disabled"}
		}, id: "socket-not-enabled", worst: check.Warning, line: "WantedBy=sockets.target"},
		{name: "a failed socket", facts: func(f *check.Facts) {
			f.State.Sockets["web.socket"] = check.SocketState{Active: "failed", Result: "trigger-limit-hit", Enabled: "enabled"}
		}, id: "socket-failed", worst: check.Error},
		{name: "files that systemd has not read", facts: func(f *check.Facts) { f.State.NeedsReload = true }, id: "daemon-reload", worst: check.Warning},
		{name: "a service that cannot start", facts: func(f *check.Facts) { f.State.Active, f.State.Result, f.State.ExitStatus = "failed", "exit-code", 217 }, id: "cannot-start", worst: check.Error},
		{name: "workers that fail", facts: says(func(s *status.Service) { s.ThrottledUntil, s.ThrottleReason = &later, &reason }), id: "workers-fail", worst: check.Error},
		{name: "a worker that does not accept on 3", options: protocol("queue"), facts: says(func(s *status.Service) { s.UnservedSince, s.Total = &since, 2 }), id: "never-accepts", worst: check.Error},
		{name: "a client that waits for a worker of a program that does not report", options: protocol("queue"), facts: says(func(s *status.Service) {
			queue, wait := 1, 12.5
			s.Total, s.Sockets = 4, []status.Socket{{Name: "web.socket", Queue: &queue, OldestWait: &wait}}
		}), id: "never-accepts", worst: check.Error},
		{name: "a worker that opens a port of its own", options: protocol("queue"), facts: func(f *check.Facts) {
			says(func(s *status.Service) { s.UnservedSince, s.Total = &since, 2 })(f)
			f.Stray = []check.Stray{{PID: 5, Address: "127.0.0.1:8000"}}
		}, id: "own-listener", worst: check.Error},
		{name: "a worker that says no READY=1", options: protocol("notify"), facts: says(func(s *status.Service) {
			s.Total, s.Starting, s.Workers = 1, 1, []status.Worker{{PID: 5, State: "starting", AgeSeconds: 8}}
		}), id: "not-ready", worst: check.Error, line: "protocol=queue"},
		{name: "another protocol is written than runs", options: protocol("queue"), facts: says(func(s *status.Service) { s.Protocol = "auto" }), id: "restart-needed", worst: check.Warning},
		{name: "another limit is written than runs", options: protocol("queue"), facts: says(func(s *status.Service) { s.Limit = 7 }), id: "reload-needed", worst: check.Warning},
		{name: "a socket that is shut down", facts: says(func(s *status.Service) {
			fault := status.NotListening
			s.Sockets = []status.Socket{{Name: "web.socket", Fault: &fault}}
		}), id: "socket-fault", worst: check.Error},
		{name: "memory that ends before the limit", seed: add("MemoryMax=1G"), facts: func(f *check.Facts) { f.Machine.Room.PerWorker = 50 << 20 }, id: "memory", worst: check.Warning, line: "MemoryMax=6251M"},
	}
}

// TestMistakes seeds each in a service that is right otherwise: it is found, with the line
// that fixes it, and nothing else is.
func TestMistakes(t *testing.T) {
	ids := map[string]bool{}
	for _, m := range mistakes() {
		t.Run(m.name, func(t *testing.T) {
			s := generated(t, m.options)
			if m.seed != nil {
				m.seed(t, s)
			}
			f := s.write(t)
			if f.ConfigErr == nil {
				onMachine(&f)
			}
			if m.facts != nil {
				m.facts(&f)
			}
			found := check.Findings(f)
			if worst := check.Worst(found); worst != m.worst {
				t.Errorf("the worst is %v, want %v", worst, m.worst)
			}
			for _, finding := range found {
				switch {
				case finding.Severity == check.OK:
				case finding.ID != m.id:
					t.Errorf("found too: %v (%s)", finding, finding.ID)
				case finding.Line != m.line:
					t.Errorf("the line to write is %q, want %q: %v", finding.Line, m.line, finding)
				default:
					ids[m.id] = true
				}
			}
			if !ids[m.id] {
				t.Errorf("%s is not found", m.id)
			}
			delete(ids, m.id)
		})
	}
}

// TestRight: what is generated is right, with every protocol.
func TestRight(t *testing.T) {
	for _, o := range []units.Options{
		{},
		protocol("notify"), protocol("queue"), protocol("fastcgi", "/usr/bin/php-cgi"), protocol("inetd", "/bin/cat"),
		protocol("postfix", "/usr/lib/postfix/sbin/smtpd", "-s", "1"), path("fastcgi"), path("inetd"),
		asked("User=web", "WorkingDirectory=/srv/web", "PrivateTmp=no", "ProtectHome=no"),
		{Run: []string{"--limit=5000", "--min-spare=3", "--stop-timeout=5min"}, StopTimeout: 5 * time.Minute},
		{Listen: []string{"8080", "/run/web.sock"}, SocketGroup: "www-data"},
		{Command: []string{"/home/me/web"}},
		{Command: []string{"/tmp/web"}, Properties: []string{"User=me"}},
		{Command: []string{"/usr/local/libexec/web", "/tmp/web/cache"}}, // of its own /tmp
		{Command: []string{"/usr/local/libexec/web", "a b", "50%", "$HOME", `"quoted"`, `back\slash`}},
	} {
		f := generated(t, o).write(t)
		onMachine(&f)
		for _, finding := range check.Findings(f) {
			if finding.Severity != check.OK {
				t.Errorf("%v %v: %v", o.Command, o.Run, finding)
			}
		}
		if words := o.Command; words != nil && strings.Join(f.Run.Command, "\n") != strings.Join(words, "\n") {
			t.Errorf("the command is read as %q, want %q", f.Run.Command, words)
		}
	}
}

// TestShipped: nothing is wrong with the units beside the examples.
func TestShipped(t *testing.T) {
	services, err := filepath.Glob("../../examples/*/*.service")
	if err != nil {
		t.Fatal(err)
	}
	facts, err := survey.Files(services)
	if err != nil {
		t.Fatal(err)
	}
	if len(facts) < 15 {
		t.Errorf("%d sets are found", len(facts))
	}
	for _, f := range facts {
		for _, finding := range check.Findings(f) {
			if finding.Severity != check.OK {
				t.Errorf("%s: %v", f.Name, finding)
			}
		}
	}
}

// TestGenerated: of a unit that a generator makes, the line is one of the file that it makes
// it of.
func TestGenerated(t *testing.T) {
	s := generated(t, units.Options{})
	replace(".service", "KillMode=process", "KillMode=mixed")(t, s)
	f := s.write(t)
	f.Service.Conf = "/etc/availd/web.conf"
	for _, finding := range check.Findings(f) {
		if finding.ID == "kill-mode" {
			if finding.Line != "property=KillMode=process" || finding.In != "/etc/availd/web.conf" || finding.Section != "" {
				t.Errorf("%+v", finding)
			}
			return
		}
	}
	t.Error("it is not found")
}

// TestWords takes command lines apart as systemd.service(5) says.
func TestWords(t *testing.T) {
	for line, want := range map[string]string{
		`/usr/bin/a b  c`:           "/usr/bin/a|b|c",
		`/a "b c" 'd "e'`:           `/a|b c|d "e`,
		`/a x\x20y "\t" \"`:         "/a|x y|\t|\"",
		`/a $$HOME %% %n %N %i`:     "/a|$HOME|%|web@1.service|web@1|1",
		`/a "" b`:                   "/a||b",
		`/a "unclosed`:              "error",
		`/a ends with a backslash\`: "error",
	} {
		words, err := check.Words(line, "web@1.service")
		got := strings.Join(words, "|")
		if err != nil {
			got = "error"
		}
		if got != want {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// TestDropIns: what comes later counts, and an empty line forgets a list.
func TestDropIns(t *testing.T) {
	var u check.Unit
	u.Read("a", "[Service]\nUser=one\nExecStart=/usr/bin/availd run -- /bin/a\nReadWritePaths=/x\n")
	u.Read("b", "[Service]\nUser=two\nExecStart=\nExecStart=/usr/bin/availd run --limit 5 \\\n# between\n  --name=x -- /bin/b\n")
	if u.Value("User") != "two" {
		t.Errorf("User=%s", u.Value("User"))
	}
	r, err := check.RunOf(&u)
	if err != nil || strings.Join(r.Command, " ") != "/bin/b" || len(r.Settings) != 2 || r.Settings[0].Value != "5" || r.Settings[1].Value != "x" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestDenied evaluates filters of system calls.
func TestDenied(t *testing.T) {
	sets := map[string][]string{
		"@default":        {"execve", "mmap"},
		"@signal":         {"kill", "rt_sigaction"},
		"@process":        {"clone", "wait4", "setsid", "prlimit64"},
		"@system-service": {"@signal", "@process", "close_range", "dup3", "epoll_create1", "epoll_ctl", "epoll_pwait", "eventfd2", "fcntl", "getsockopt", "memfd_create", "pidfd_send_signal", "recvmsg", "sendmsg", "setpgid", "socket"},
	}
	for text, want := range map[string]string{
		"SystemCallFilter=@system-service":                            "",
		"SystemCallFilter=@system-service\nSystemCallFilter=~@signal": "kill rt_sigaction",
		"SystemCallFilter=~@signal":                                   "kill rt_sigaction",
		"SystemCallFilter=~@signal\nSystemCallFilter=kill":            "rt_sigaction",
		"SystemCallFilter=~clone:EPERM":                               "clone",
		"SystemCallFilter=@unheard-of":                                "",
		"SystemCallFilter=@signal\nSystemCallFilter=":                 "",
	} {
		var u check.Unit
		u.Read("x", "[Service]\n"+text)
		var lines []check.Setting
		for _, s := range u.Settings {
			if s.Value == "" {
				lines = nil
				continue
			}
			lines = append(lines, s)
		}
		if got := strings.Join(check.Denied(lines, sets), " "); got != want {
			t.Errorf("%s: forbids %q, want %q", text, got, want)
		}
	}
}
