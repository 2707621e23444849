package units

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/availd/availd/internal/testutil"
)

// sets are the shapes of units that systemd is asked about.
func sets() map[string]Options {
	tcp, local, home, odd, inetd := web(), web(), web(), web(), web()
	inetd.Run = []string{"--protocol=inetd"}
	asked, owned, user, spares := web(), web(), web(), web()
	owned.Properties = []string{"User=daemon"}
	asked.Properties = []string{"User=daemon", "ProtectHome=no", "MemoryMax=1G", "After=network.target", "RestrictAddressFamilies=AF_PACKET"}
	asked.Listen, asked.Command = []string{"/run/web.sock"}, []string{"/home/me/worker"}
	user.ConfigHome, user.Command = "/home/me/.config", []string{"/tmp/worker"}
	spares.Run = []string{"--min-spare=2"}
	tcp.Run = []string{"--protocol=notify", "--limit=50"}
	local.Listen, local.SocketGroup = []string{"/run/web.sock", "@web", "[::1]:80"}, "root"
	home.Command = []string{"/home/me/worker"}
	odd.Command = []string{"/usr/local/libexec/my worker", "", ";", `a"b\c'd`, "$x", "${y}", "50% of\n%n"}
	watched := web()
	watched.StatusListen, watched.AgentListen = "127.0.0.1:9080", "/run/web.agent"
	one := whole()
	one.Refused = `/etc/availd/web.conf:7: property "Usr=x": 100% $wrong`
	return map[string]Options{"watched": watched, "one file": one, "tcp": tcp, "local": local, "home": home, "odd words": odd, "inetd": inetd, "asked": asked, "owned": owned, "user": user, "spares": spares}
}

// written generates units, and puts an availd that exists into them, as verify looks
// for it. It is below /tmp, where no unit may have it that is to be started.
func written(t *testing.T, o Options) string {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "availd")
	if err := os.WriteFile(binary, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	set := generate(t, o)
	for _, text := range []*[]byte{&set.Service, &set.Socket, &set.Status, &set.Agent} {
		*text = bytes.ReplaceAll(*text, []byte(DefaultBinary+" "), []byte(binary+" "))
	}
	if err := set.WriteTo(dir, dir, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

// Unknown settings and bad values are only printed, so that the status alone
// would say that all is well.
func TestUnitsVerify(t *testing.T) {
	analyze := testutil.Program(t, "systemd-analyze")
	for name, o := range sets() {
		t.Run(name, func(t *testing.T) {
			dir := written(t, o)
			manager := "--system"
			if o.ConfigHome != "" {
				manager = "--user"
			}
			units, err := filepath.Glob(filepath.Join(dir, "web*.s*")) // sockets and the service
			if err != nil {
				t.Fatal(err)
			}
			verify := exec.Command(analyze, append([]string{manager, "verify", "--man=no"}, units...)...)
			verify.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
			out, err := verify.CombinedOutput()
			if err != nil || len(out) > 0 {
				t.Errorf("verify: %v\n%s", err, out)
			}
		})
	}
}

func TestUnitsAreConfined(t *testing.T) {
	analyze := testutil.Program(t, "systemd-analyze")
	for name, o := range sets() {
		if o.ConfigHome != "" || len(o.Properties) > 1 { // gives way, as it was asked
			continue
		}
		t.Run(name, func(t *testing.T) {
			service := filepath.Join(written(t, o), "web.service")
			out, err := exec.Command(analyze, "security", "--offline=true", "--threshold=20", "--no-pager", service).CombinedOutput()
			if err != nil {
				t.Errorf("exposure over 2.0: %v\n%s", err, out)
			}
		})
	}
}
