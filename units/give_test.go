package units

import (
	"strings"
	"testing"
)

// TestConfinementGivesWay: what the service names is there, and nothing else is.
func TestConfinementGivesWay(t *testing.T) {
	none := []string{"ProtectHome=yes", "PrivateTmp=yes", "PrivateDevices=yes", "CapabilityBoundingSet="}
	for _, test := range []struct {
		name       string
		command    []string
		properties []string
		want       []string // lines instead of those of none
	}{
		{"nothing", nil, nil, nil},
		{"like a home", []string{"/homework/x", "--at=/rooty", "/tmpfs/x", "/devel/x"}, nil, nil},
		{"command in a home", []string{"/home/me/x"}, nil, []string{"ProtectHome=read-only"}},
		{"interpreted", []string{"/usr/bin/python3", "/root/x.py"}, nil, []string{"ProtectHome=read-only"}},
		{"option", []string{"/usr/bin/x", "--db=/home/me/db"}, nil, []string{"ProtectHome=read-only"}},
		{"in a URL", []string{"/usr/bin/x", "unix:/run/user/7/bus"}, nil, []string{"ProtectHome=read-only"}},
		{"directory", nil, []string{"User=deploy", "WorkingDirectory=/home/deploy/app"}, []string{"ProtectHome=read-only"}},
		{"directory, if it is there", nil, []string{"User=deploy", "WorkingDirectory=-/home/deploy/app"}, []string{"ProtectHome=read-only"}},
		{"a home itself", nil, []string{"User=deploy", "WorkingDirectory=/home"}, []string{"ProtectHome=read-only"}},
		{"own home", nil, []string{"User=deploy", "WorkingDirectory=~"}, []string{"ProtectHome=read-only"}},
		{"second path", nil, []string{"User=x", "ReadWritePaths=/srv /home/x"}, []string{"ProtectHome=read-only"}},
		{"source and place", nil, []string{"BindPaths=/srv/a:/root/b"}, []string{"ProtectHome=read-only"}},
		{"variable", nil, []string{"Environment=A=1 HOME=/home/x"}, []string{"ProtectHome=read-only"}},
		{"before the start", nil, []string{"ExecStartPre=-/home/x/prepare"}, []string{"ProtectHome=read-only"}},
		{"asked otherwise", []string{"/home/me/x"}, []string{"ProtectHome=tmpfs"}, []string{"ProtectHome=tmpfs"}},
		{"command in /tmp", []string{"/tmp/x"}, []string{"User=me"}, []string{"PrivateTmp=no"}},
		{"file in /var/tmp", nil, []string{"User=me", "ReadWritePaths=/var/tmp/x"}, []string{"PrivateTmp=no"}},
		{"one's own /tmp", []string{"/bin/x", "-d", "/tmp"}, []string{"User=me"}, nil},
		{"a file of one's own /tmp", []string{"/bin/x", "/tmp/cache"}, nil, nil},
		{"harmless devices", []string{"/bin/x", "/dev/null", "--log=/dev/stderr", "/dev/shm/x"}, nil, nil},
		{"device", []string{"/bin/x", "/dev/kvm"}, nil, []string{"PrivateDevices=no", "DeviceAllow=/dev/kvm rw"}},
		{"no device", []string{"/bin/x", "/dev/x\nExecStartPre=/bin/y", "/dev/%n", "/dev/a\\b"}, nil, nil},
		{"device asked for", nil, []string{"DeviceAllow=/dev/sda r"}, []string{"PrivateDevices=no", "DeviceAllow=/dev/sda r"}},
		{"capabilities", nil, []string{"AmbientCapabilities=CAP_CHOWN", "AmbientCapabilities=CAP_KILL"}, []string{"CapabilityBoundingSet=CAP_CHOWN CAP_KILL"}},
		{"root directory", nil, []string{"RootDirectory=/srv/root"}, []string{"BindReadOnlyPaths=/usr/bin/availd -/etc/availd"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := web()
			if o.Properties = test.properties; test.command != nil {
				o.Command = test.command
			}
			service := generate(t, o).Service
			hasLines(t, "service", service, test.want...)
			for _, line := range none {
				key, _, _ := strings.Cut(line, "=")
				gives := strings.Contains("\n"+strings.Join(test.want, "\n"), "\n"+key+"=")
				if has := strings.Contains(string(service), "\n"+line+"\n"); has == gives {
					t.Errorf("there is a line %s: %v", line, has)
				}
			}
		})
	}
}

// TestReportsAreOnesOwn: nobody else reaches the report socket, unless workers may become
// somebody else, who has to.
func TestReportsAreOnesOwn(t *testing.T) {
	const line = "RuntimeDirectoryMode=0750"
	for _, test := range []struct {
		properties []string
		closed     bool
	}{
		{nil, true},
		{[]string{"User=web"}, true},
		{[]string{"User=root"}, false},
		{[]string{"User=0"}, false},
		{[]string{"User=root", "User=web"}, true},
		{[]string{"User=web", "AmbientCapabilities=CAP_SETUID"}, false},
	} {
		o := web()
		o.Properties = test.properties
		if has := strings.Contains(string(generate(t, o).Service), "\n"+line+"\n"); has != test.closed {
			t.Errorf("%q: there is a line %s: %t", test.properties, line, has)
		}
	}
}

// TestContradictions: of two requests that exclude each other one is to be left out.
func TestContradictions(t *testing.T) {
	for _, test := range []struct {
		command, conf string
		properties    []string
		want          string
	}{
		{"", "", []string{"User=x", "ProtectHome=yes", "WorkingDirectory=/home/x"}, `ProtectHome=yes: hides what WorkingDirectory= "/home/x" needs`},
		{"/home/x/worker", "", []string{"ProtectHome=true"}, "hides what the command"},
		{"/tmp/worker", "", []string{"User=x", "PrivateTmp=on"}, "hides what the command"},
		{"/tmp/worker", "", nil, "install it elsewhere"},
		{"", "/tmp/conf", nil, "the configuration directory"},
		{"", "", []string{"WorkingDirectory=/var/tmp/x"}, "which DynamicUser= implies"},
		{"", "", []string{"PrivateTmp=no"}, "DynamicUser= implies it"},
		{"", "", []string{"ProtectSystem=no"}, "DynamicUser= implies it"},
		{"", "", []string{"User=x", "DynamicUser=yes", "ProtectHome=false"}, "DynamicUser= implies it"},
		{"", "", []string{"PrivateDevices=yes", "DeviceAllow=/dev/kvm"}, "hides what DeviceAllow="},
		{"", "", []string{"LimitAS=500M"}, "availd itself needs LimitAS=2048M"},
		{"", "", []string{"LimitAS=1G:infinity"}, "MemoryMax="},
		{"", "", []string{"LimitDATA=100000"}, "MemoryMax="},
		{"", "", []string{"LimitFSIZE=0"}, "ProtectSystem=strict"},
		{"", "", []string{"LimitFSIZE=64KB"}, "LimitFSIZE=4M"},
		{"", "", []string{"RemainAfterExit=yes"}, "never be started again"},
		{"", "", []string{"Usr=x"}, "have no Usr=, did you mean User=?"},
		{"", "", []string{"Memorymax=1G"}, "did you mean MemoryMax=?"},
		{"", "", []string{"Bogus=1"}, "have no Bogus="},
		{"", "", []string{"ListenStream=80"}, "have no ListenStream="},
	} {
		o := web()
		if o.Properties, o.ConfDir = test.properties, test.conf; test.command != "" {
			o.Command = []string{test.command}
		}
		if _, err := Generate(o); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v, want one that says %q", test.properties, err, test.want)
		}
	}
}

// TestNewerSettings: what the lists cannot know is systemd's to judge.
func TestNewerSettings(t *testing.T) {
	o := web()
	o.Properties, o.Systemd = []string{"Zebra=1"}, knownSystemd+1
	hasLines(t, "service", generate(t, o).Service, "Zebra=1")
	for _, key := range []string{"RestartSteps", "User", "StartLimitBurst", "WantsMountsFor", "ConditionPathExists", "Slice"} {
		if err := checkKey(key+"=x", key, OldestSystemd); err != nil {
			t.Error(err)
		}
	}
}

func TestNotes(t *testing.T) {
	o := web()
	o.Properties, o.Command = []string{"ReadWritePaths=/srv/x"}, []string{"/bin/x", "/tmp/cache"}
	if notes := generate(t, o).Notes; len(notes) != 2 {
		t.Errorf("notes %q, want one on /tmp and one on the user", notes)
	}
	o.Properties = append(o.Properties, "User=x")
	if notes := generate(t, o).Notes; notes != nil {
		t.Errorf("notes %q, want none", notes)
	}
}

// TestCommentsAreOneLine: no word of the command ends a comment.
func TestCommentsAreOneLine(t *testing.T) {
	o := web()
	o.Command = []string{"/bin/x", "/home/a\nUser=root"}
	lacks(t, "service", generate(t, o).Service, "\nUser=root")
}
