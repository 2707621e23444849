package procfs

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFind(t *testing.T) {
	all := func(string) bool { return true }
	for _, c := range []struct {
		name, text string
		exists     func(string) bool
		want       Unit
	}{
		{"v2", "0::/system.slice/web.service\n", all, Unit{"web.service", "/sys/fs/cgroup/system.slice/web.service"}},
		{
			"v2 beside unused v1", "9:name=systemd:/\n8:pids:/\n0::/system.slice/web.service\n", all,
			Unit{"web.service", "/sys/fs/cgroup/system.slice/web.service"},
		},
		{
			"hybrid", "1:name=systemd:/system.slice/web.service\n0::/system.slice/web.service\n",
			func(dir string) bool { return dir == "/sys/fs/cgroup/unified/system.slice/web.service" },
			Unit{"web.service", "/sys/fs/cgroup/unified/system.slice/web.service"},
		},
		{
			"v1", "8:pids:/system.slice/web.service\n1:name=systemd:/system.slice/web.service\n0::/\n", all,
			Unit{"web.service", "/sys/fs/cgroup/systemd/system.slice/web.service"},
		},
		{"delegated", "0::/system.slice/web.service/workers/w1\n", all, Unit{"web.service", "/sys/fs/cgroup/system.slice/web.service"}},
		{
			"user manager", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/web.service\n", all,
			Unit{"web.service", "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/web.service"},
		},
		{"socket", "0::/system.slice/web.socket\n", all, Unit{"web.socket", "/sys/fs/cgroup/system.slice/web.socket"}},
		{"not mounted", "0::/system.slice/web.service\n", func(string) bool { return false }, Unit{Name: "web.service"}},
	} {
		if got, err := find(c.text, c.exists); err != nil || got != c.want {
			t.Errorf("%s: got %+v %v, want %+v", c.name, got, err, c.want)
		}
	}
	for _, text := range []string{"", "0::/\n", "garbage", "0::/user.slice/user@1000.service/init.scope\n"} {
		if got, err := find(text, all); !errors.Is(err, ErrNoUnit) {
			t.Errorf("%q: got %+v %v", text, got, err)
		}
	}
}

func TestService(t *testing.T) {
	socket := Unit{"web.socket", "/sys/fs/cgroup/system.slice/web.socket"}
	if got := socket.Service(); got != (Unit{"web.service", "/sys/fs/cgroup/system.slice/web.service"}) {
		t.Errorf("got %+v", got)
	}
	if got := socket.Service().Service(); got.Name != "web.service" {
		t.Errorf("got %+v", got)
	}
}

// TestServiceElsewhere: the service may be in another slice than its socket, of the
// same manager.
func TestServiceElsewhere(t *testing.T) {
	root := t.TempDir()
	manager := filepath.Join(root, "user.slice/user@7.service")
	for _, dir := range []string{
		root, filepath.Join(root, "system.slice"), filepath.Join(root, "system.slice/web.socket"), filepath.Join(root, "a.slice"), filepath.Join(root, "a.slice/a-b.slice"),
		filepath.Join(root, "a.slice/a-b.slice/web.service"), filepath.Join(root, "a.slice/other.service/web.service"),
		filepath.Join(root, "user.slice"), manager, filepath.Join(manager, "app.slice"), filepath.Join(manager, "app.slice/web.socket"),
	} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "cgroup.procs"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for socket, want := range map[string]string{
		filepath.Join(root, "system.slice/web.socket"):  filepath.Join(root, "a.slice/a-b.slice/web.service"),
		filepath.Join(root, "system.slice/mail.socket"): filepath.Join(root, "system.slice/mail.service"), // gone
		filepath.Join(manager, "app.slice/web.socket"):  filepath.Join(manager, "app.slice/web.service"),  // gone
	} {
		if got := (Unit{filepath.Base(socket), socket}).Service(); got.Dir != want {
			t.Errorf("%s belongs to %s, want %s", socket, got.Dir, want)
		}
	}
}

func TestMembers(t *testing.T) {
	u := Unit{"web.service", t.TempDir()}
	if pids, err := u.Members(); err != nil || pids != nil {
		t.Errorf("a group that is gone: %v %v", pids, err)
	}
	if err := os.WriteFile(filepath.Join(u.Dir, "cgroup.procs"), []byte("12\n0\n345\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pids, err := u.Members(); err != nil || !slices.Equal(pids, []int{12, 345}) {
		t.Errorf("got %v %v", pids, err)
	}
}

// group makes a group with these processes.
func group(t *testing.T, dir, pids string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"cgroup.procs": pids, "cgroup.events": "populated 1\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMembersBelow: DelegateSubgroup= puts the service into a group below the unit's.
func TestMembersBelow(t *testing.T) {
	u := Unit{"web.service", t.TempDir()}
	group(t, u.Dir, "")
	group(t, filepath.Join(u.Dir, "availd"), "12\n345\n")
	group(t, filepath.Join(u.Dir, ".control"), "6\n")
	group(t, filepath.Join(u.Dir, "workers/w1"), "7\n")
	pids, err := u.Members()
	slices.Sort(pids)
	if err != nil || !slices.Equal(pids, []int{6, 7, 12, 345}) {
		t.Errorf("got %v %v", pids, err)
	}
}

// TestNamespaced: in a control group namespace the service's group is the root.
func TestNamespaced(t *testing.T) {
	service, host, other := t.TempDir(), t.TempDir(), t.TempDir()
	group(t, service, "12\n")
	group(t, filepath.Join(service, ".control"), "13\n")
	group(t, host, "12\n")
	if err := os.Remove(filepath.Join(host, "cgroup.events")); err != nil {
		t.Fatal(err)
	}
	group(t, other, "1\n")
	group(t, filepath.Join(other, "user.slice/session-1.scope"), "12\n")
	for _, c := range []struct {
		name, mount, text, want string
		pid                     int
	}{
		{"the service", service, "0::/\n", service, 12},
		{"a command of its stop", service, "0::/.control\n", service, 13},
		{"the host's root", host, "0::/\n", "", 12},
		{"the mount of another namespace", other, "0::/\n", "", 12},
		{"a session of a container", other, "0::/user.slice/session-1.scope\n", "", 12},
		{"cgroup v1", service, "1:name=systemd:/\n", "", 12},
	} {
		if got := namespaced(c.mount, c.text, c.pid); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
