//go:build e2e

package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/e2e/guest/harness"
)

// Services that are one file each, of which systemd has availd make the units.
const (
	siteConf      = "/etc/availd"
	siteGenerator = "/run/systemd/system-generators/availd-generator"
	siteSockets   = "/run/availd-sites"
	sites         = 200
	used          = 20 // whose sockets are started, as each costs a process when it is stopped
	// daemon-reload may take so much longer with all of them, or so many times as long
	// where the machine has much else to do.
	reloadAdded = time.Second
	reloadRatio = 3
)

func site(n int) string           { return fmt.Sprintf("site%03d", n) }
func siteFile(name string) string { return filepath.Join(siteConf, name+".conf") }

// siteText is the file of a service. The arguments come back with each answer.
func siteText(name, worker string, args ...string) string {
	return fmt.Sprintf("command=%s %s %s\nlisten=%s/%s.sock\nprotocol=notify\nlimit=4\nproperty=User=daemon\n",
		worker, filepath.Dir(worker), strings.Join(args, " "), siteSockets, name)
}

// TestGenerator: 200 services are 200 files, and while nobody uses them there is no
// process; one is used, changed, broken, fixed and removed. It has the machine to itself,
// as it measures.
func TestGenerator(t *testing.T) {
	before := fastestReload(t)
	worker := installSites(t)
	with := fastestReload(t)
	t.Logf("daemon-reload takes %v, and with %d services %v: %.1f times as long", before, sites, with, float64(with)/float64(before))
	if with > before+reloadAdded && with > reloadRatio*before {
		t.Errorf("%d services add %v to daemon-reload, want at most %v", sites, with-before, reloadAdded)
	}
	if by := harness.Show(t, site(sites-1)+".socket", "WantedBy"); by != "sockets.target" {
		t.Errorf("a socket is wanted by %q", by)
	}
	start := []string{"start"}
	for n := range used {
		start = append(start, site(n)+".socket")
	}
	harness.Systemctl(t, start...)
	for n := range used {
		if p := (&harness.Unit{Name: site(n)}).Processes(); len(p) > 0 {
			t.Fatalf("nobody has used %s, and it has the process %s", site(n), p[0].Command())
		}
	}

	name := site(7)
	began := time.Now()
	first := askSite(t, name)
	t.Logf("the first request of an idle service takes %v", time.Since(began))
	began = time.Now()
	askSite(t, name)
	t.Logf("the next one takes %v", time.Since(began))
	if !slices.Contains(first.Args, "one") {
		t.Errorf("the worker was started with %q", first.Args)
	}

	writeSite(t, name, siteText(name, worker, "'two words'"))
	harness.MustRun(t, harness.Availd, "reload", name)
	// A worker that was just asked to retire accepts once more before it leaves.
	harness.WaitFor(t, "the new command", 10*time.Second, func() bool { return slices.Contains(askSite(t, name).Args, "two words") })
	brokenSite(t, name, worker)

	removeSite(t, name)
	harness.Systemctl(t, "daemon-reload")
	if state := harness.Show(t, name+".service", "LoadState"); state != "not-found" {
		t.Errorf("without its file %s is %s", name, state)
	}
}

// brokenSite: a mistake in a file is in the journal of the service, which keeps its unit,
// and changes nothing for the others.
func brokenSite(t *testing.T, name, worker string) {
	t.Helper()
	main := harness.Show(t, name+".service", "MainPID")
	writeSite(t, name, siteText(name, worker, "three")+"property=Usr=x\n")
	harness.Systemctl(t, "daemon-reload")
	harness.AwaitJournal(t, name+".service", siteFile(name)+`:6: property "Usr=x"`, 1)
	for _, unit := range []string{name, site(8)} {
		if kill := harness.Show(t, unit+".service", "KillMode"); kill != "process" {
			t.Errorf("KillMode= of %s is %q", unit, kill)
		}
	}
	if now := harness.Show(t, name+".service", "MainPID"); now != main || now == "0" {
		t.Errorf("the mistake has made pid %s of %s", now, main)
	}
	askSite(t, name)
	if out, err := harness.Run(harness.Availd, "reload", name); err == nil || !strings.Contains(out+err.Error(), "systemctl daemon-reload, then systemctl restart "+name+".socket") {
		t.Errorf("a reload with another property says %q (%v)", out, err)
	}
}

// installSites puts the generator and the files into place, and returns the worker.
func installSites(t *testing.T) (worker string) {
	t.Helper()
	dir := filepath.Join(filesRoot, "sites")
	worker = filepath.Join(dir, "worker.py")
	for _, d := range []string{dir, siteConf, siteSockets, filepath.Dir(siteGenerator)} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(worker, []byte(knobbed), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(harness.Availd, siteGenerator); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := harness.Run("systemctl", "stop", "site*.socket", "site*.service"); err != nil {
			t.Error(err)
		}
		for n := range sites {
			_ = os.Remove(siteFile(site(n))) // the test has removed one
		}
		for _, path := range []string{siteGenerator, siteSockets, dir} {
			if err := os.RemoveAll(path); err != nil {
				t.Error(err)
			}
		}
		harness.Systemctl(t, "daemon-reload")
	})
	for n := range sites {
		writeSite(t, site(n), siteText(site(n), worker, "one"))
	}
	return worker
}

func writeSite(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(siteFile(name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// removeSite stops a service and removes its file.
func removeSite(t *testing.T, name string) {
	t.Helper()
	if t.Failed() {
		t.Logf("journal of %s:\n%s", name, harness.Journal(name+".service"))
	}
	if _, err := harness.Run("systemctl", "stop", name+".socket", name+".service"); err != nil {
		t.Error(err)
	}
	if err := os.Remove(siteFile(name)); err != nil {
		t.Error(err)
	}
}

func askSite(t *testing.T, name string) answer {
	t.Helper()
	body, err := harness.Load{URL: "http://site/", Unix: filepath.Join(siteSockets, name+".sock")}.Get()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, harness.Journal(name+".service"))
	}
	return parse(t, body)
}

// fastestReload is the shortest of some, as others only say what else the machine did.
func fastestReload(t *testing.T) time.Duration {
	t.Helper()
	var all []time.Duration
	for range 5 {
		began := time.Now()
		harness.Systemctl(t, "daemon-reload")
		all = append(all, time.Since(began))
	}
	return slices.Min(all)
}
