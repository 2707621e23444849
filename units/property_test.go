package units

import (
	"strings"
	"testing"
)

func TestPropertiesReplaceOrAdd(t *testing.T) {
	o := web()
	o.Properties = []string{
		"ProtectHome=no", "ProtectHome=tmpfs", "MemoryMax=1G", "After=a.service", "RestrictAddressFamilies=AF_PACKET",
		"Environment=A=b C=%i", "OOMPolicy=stop",
	}
	service := generate(t, o).Service
	hasLines(t, "service", service, "# As asked for, instead of ProtectHome=yes.", "ProtectHome=tmpfs", "MemoryMax=1G",
		"RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK", "RestrictAddressFamilies=AF_PACKET",
		"Environment=A=b C=%i", "OOMPolicy=stop", "DynamicUser=yes")
	lacks(t, "service", service, "ProtectHome=no\n", "\nOOMPolicy=continue", "[Install]")
	unit, _, _ := strings.Cut(string(service), "[Service]")
	hasLines(t, "unit section", []byte(unit), "After=a.service", "After=web.socket")
}

func TestPropertyUser(t *testing.T) {
	for _, test := range []struct {
		properties []string
		want, not  string
	}{
		{[]string{"User=www-data"}, "User=www-data", "\nDynamicUser="},
		{[]string{"User=fixed", "DynamicUser=yes"}, "DynamicUser=yes", "DynamicUser=no"},
		{[]string{"Group=www-data"}, "DynamicUser=yes", "User=www"},
	} {
		o := web()
		o.Properties = test.properties
		service := generate(t, o).Service
		hasLines(t, "service", service, test.want)
		hasLines(t, "service", service, test.properties[0])
		lacks(t, "service", service, test.not)
	}
}

// Workers must outlive availd, and be told from other processes.
func TestPropertyConfines(t *testing.T) {
	for _, test := range []struct {
		properties []string
		want       string // in the error, "" = accepted
	}{
		{[]string{"PrivatePIDs=yes"}, "kills all workers"},
		{[]string{"PrivatePIDs=on"}, "kills all workers"},
		{[]string{"PrivatePIDs=no"}, ""},
		{[]string{"RootDirectory=/srv", "MountAPIVFS=no"}, "without /proc"},
		{[]string{"MountAPIVFS=0", "RootImage=/srv/image"}, "without /proc"},
		{[]string{"RootDirectory=/srv", "MountAPIVFS=no", "MountAPIVFS=yes"}, ""},
		{[]string{"MountAPIVFS=no"}, ""},
		{[]string{"ProtectControlGroups=strict", "PrivateNetwork=yes", "PrivateUsers=yes", "ProcSubset=pid", "ProtectProc=invisible"}, ""},
	} {
		o := web()
		o.Systemd, o.Properties = 257, test.properties
		_, err := Generate(o)
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q: %v, want %q", test.properties, err, test.want)
		}
	}
}

// The same for every version, see docs/adr/0012.
func TestSystemdVersion(t *testing.T) {
	o := web()
	oldest := generate(t, o)
	o.Systemd = 260
	if newer := generate(t, o); string(newer.Service) != string(oldest.Service) || string(newer.Socket) != string(oldest.Socket) {
		t.Error("the units for systemd 260 are others than those for the oldest")
	}
}

func TestUserUnits(t *testing.T) {
	o := web()
	o.ConfigHome, o.Command = "/home/me/.config", []string{"/tmp/worker"}
	o.Run = []string{"--min-spare=1"}
	set := generate(t, o)
	if want := "/home/me/.config/systemd/user"; set.UnitDir != want {
		t.Errorf("units are for %s, want %s", set.UnitDir, want)
	}
	lacks(t, "service", set.Service, "DynamicUser", "ProtectSystem", "ProtectHome", "PrivateTmp", "CapabilityBoundingSet")
	hasLines(t, "service", set.Service, "NoNewPrivileges=yes", "WantedBy=default.target", "KillMode=process")
}

func TestSpares(t *testing.T) {
	for run, want := range map[string]bool{"--limit=3": false, "--min-spare=0": false, "--min-spare=2": true} {
		o := web()
		o.Run = []string{run}
		if got := strings.Contains(string(generate(t, o).Service), "[Install]"); got != want {
			t.Errorf("with %s the service has an [Install]: %v, want %v", run, got, want)
		}
	}
}
