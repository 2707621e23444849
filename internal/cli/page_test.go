package cli

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image/png"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/page"
	"github.com/availd/availd/internal/status"
)

// viewed is a service whose status socket has a port, so that a browser can look at it.
type viewed struct {
	t            *testing.T
	page, client string // addresses
	runtime      string // directory
	held         []net.Conn
}

// view starts one.
func view(t *testing.T, name string, args ...string) *viewed {
	t.Helper()
	v := &viewed{t: t, runtime: t.TempDir()}
	var files []*os.File
	var plain net.ListenConfig
	plain.SetMultipathTCP(false) // of whose connections the kernel does not tell how long they wait
	for _, address := range []*string{&v.client, &v.page} {
		l, err := plain.Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		*address = l.Addr().String()
		_ = l.Close()
		files = append(files, f)
	}
	path, err := exec.LookPath("availd") // testscript.Main has put ours into PATH
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := append([]string{"-c", `export LISTEN_PID=$$; exec "$@"`, "sh", path, "run", "--name", name}, args...)
	cmd := exec.Command("/bin/sh", command...)
	cmd.ExtraFiles, cmd.Stdout, cmd.Stderr = files, log, log
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=web:status", "RUNTIME_DIRECTORY="+v.runtime, "NOTIFY_SOCKET=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		_ = f.Close()
	}
	t.Cleanup(func() {
		for _, c := range v.held {
			_ = c.Close()
		}
		_ = cmd.Process.Signal(unix.SIGTERM)
		_ = cmd.Wait()
		if text, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("availd said:\n%s", text)
		}
		_ = log.Close()
	})
	return v
}

// hold has clients that keep a worker busy: their requests never end.
func (v *viewed) hold(n int) {
	v.t.Helper()
	for range n {
		c, err := net.Dial("tcp", v.client)
		if err == nil {
			_, err = io.WriteString(c, "GET /hold?"+v.fifo()+" HTTP/1.1\r\nHost: web\r\n\r\n")
		}
		if err != nil {
			v.t.Fatal(err)
		}
		v.held = append(v.held, c)
	}
}

// fifo is a named pipe that nobody writes to.
func (v *viewed) fifo() string {
	path := filepath.Join(v.t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		v.t.Fatal(err)
	}
	return path
}

// get asks as curl does, or as a browser.
func (v *viewed) get(path, accept string) (code int, header http.Header, text string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, "http://"+v.page+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(body)
}

// await asks for the status until it says so.
func (v *viewed) await(says string) {
	v.t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		_, _, text := v.get("/status", "*/*")
		if strings.Contains(text, says) {
			return
		}
		if time.Now().After(until) {
			v.t.Fatalf("the status does not say %s:\n%s", says, text)
		}
	}
}

// awaitPast asks for the history until it is so: it has less to say than the status of the
// same moment, where the latest look was made before.
func (v *viewed) awaitPast(is func(history.Document) bool) {
	v.t.Helper()
	for until := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var d history.Document
		_, _, text := v.get("/history", "*/*")
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			v.t.Fatal(err)
		}
		if is(d) {
			return
		}
		if time.Now().After(until) {
			v.t.Fatalf("the history does not say so:\n%s", text)
		}
	}
}

// screens are a phone and a desk, by day and by night.
var screens = []screen{
	{"narrow", 360, 740, true, false},
	{"phone", 390, 844, true, false},
	{"phone", 390, 844, true, true},
	{"desk", 1280, 900, false, false},
	{"desk", 1280, 900, false, true},
	{"wide", 1400, 900, false, false},
}

// TestBrowser: what a browser shows of a service that is full, on all screens: the figures
// are there, nothing is wider than the screen, and it has nothing to complain about.
// AVAILD_PICTURES is a directory for the pictures.
func TestBrowser(t *testing.T) {
	b := openBrowser(t)
	complains(t, b)
	hostile(t, b)
	const name = "web"
	v := view(t, name, "--limit=3", "--stress=flag", "--stop-timeout=100ms", "--", "work")
	v.hold(5)
	v.await(`"full_since":"`)
	v.await(`"oldest_wait_s":1.`)
	v.awaitPast(func(d history.Document) bool {
		most := func(v history.Values) float32 { return slices.MaxFunc(v, cmp.Compare[float32]) }
		return most(d.Hour.Wait.Max) >= 1 && most(d.Hour.Busy.Max) == 3 && most(d.Hour.Queue.Max) >= 2
	})
	for _, s := range screens {
		b.on(s)
		b.open("http://" + v.page + "/?refresh=0")
		b.quiet(s.String())
		if got := b.text(`document.querySelector("h1").textContent`); got != name {
			t.Errorf("%s: the name is %q", s, got)
		}
		for what, want := range map[string]string{
			`document.querySelector(".badge").textContent`:                                                "FULL",
			`document.querySelector(".tile").textContent`:                                                 "3 of 3busy",
			`String(/^[0-9.]+s/.test(document.querySelectorAll(".tile")[3].textContent))`:                 "true",
			`String(/^at most [0-9.]+s$/.test(document.querySelectorAll("figure .says")[2].textContent))`: "true",
			`document.querySelectorAll(".tile")[2].textContent`:                                           "2waiting",
			`document.querySelectorAll("figure .says")[0].textContent`:                                    "at most 3 busy of 3",
			`String(/^at most [2-5]$/.test(document.querySelectorAll("figure .says")[1].textContent))`:    "true",
			`String(document.querySelectorAll("tbody tr").length)`:                                        "3",
			`String(document.scripts.length)`:                                                             "0",
			`String(document.querySelectorAll("svg.plot path.busy:not(.most)[d^=M]").length)`:             "2",
			`String(document.querySelector(".advice").textContent.includes("raise limit="))`:              "true",
			`String([...document.querySelectorAll(".events li")].length > 0)`:                             "true",
			`String(document.documentElement.scrollWidth <= document.documentElement.clientWidth)`:        "true",
		} {
			if got := b.text(what); got != want {
				t.Errorf("%s: %s is %q, want %q", s, what, got, want)
			}
		}
		ground := b.text(`getComputedStyle(document.body).backgroundColor`)
		if isDark := strings.HasPrefix(ground, "rgb(15,"); isDark != s.dark {
			t.Errorf("%s: the ground is %s", s, ground)
		}
		picture := b.picture(true)
		size, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || size.Width > s.width || size.Width < s.width-20 || size.Height < s.height {
			t.Errorf("%s: the picture is %d × %d, %v", s, size.Width, size.Height, err)
		}
		if dir := os.Getenv("AVAILD_PICTURES"); dir != "" {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d.png", s, s.width)), picture, 0o644); err != nil {
				t.Error(err)
			}
		}
	}
	chartAlone(t, b, v)
	comesBack(t, b, v)
}

// complains: this test would notice what a page must not do.
func complains(t *testing.T, b *browser) {
	t.Helper()
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", page.Policy())
		w.Header().Set("Content-Type", page.ContentType)
		_, _ = io.WriteString(w, `<title>bad</title><link rel="icon" href="data:,">`+r.URL.Query().Get("x"))
	}))
	t.Cleanup(bad.Close)
	for _, x := range []string{
		"<script>document.title='run'</script>", "<style>p{}</style>", `<p style="color:red">`, `<img src="/x.png">`, `<img src=x onerror="document.title='run'">`,
	} {
		b.complaints = nil
		b.open(bad.URL + "/?x=" + strings.NewReplacer("<", "%3C", ">", "%3E", " ", "%20", `"`, "%22", "=", "%3D", "'", "%27").Replace(x))
		if got := b.text("document.title"); got != "bad" {
			t.Errorf("%s was run", x)
		}
		if len(b.complaints) == 0 {
			t.Errorf("the browser does not complain about %s", x)
		}
	}
	b.complaints = nil
}

// hostile: what workers and others say is text, whatever it looks like.
func hostile(t *testing.T, b *browser) {
	t.Helper()
	const evil = `"></style><script>document.title="run"</script><img src=x onerror='document.title="run"'>`
	text, err := page.Render(&status.Service{
		Name: evil, Version: evil, Unit: new(evil), Total: 1, Busy: 1, Warnings: []string{evil}, Workers: []status.Worker{{State: evil, Status: evil}},
	}, &history.Document{Events: []history.Event{{Severity: evil, Event: evil, Text: evil}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", page.Policy())
		w.Header().Set("Content-Type", page.ContentType)
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	b.open(server.URL)
	b.quiet("hostile texts")
	for what, want := range map[string]string{
		`document.title`: evil + ": ok",
		`document.querySelector("h1").textContent`:                 evil,
		`document.querySelector("tbody tr").lastChild.textContent`: evil,
		`document.querySelector(".events li div").textContent`:     evil,
		`String(document.scripts.length + document.images.length)`: "0",
	} {
		if got := b.text(what); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
}

// chartAlone: availd status --format=svg draws the same, and a browser shows it.
func chartAlone(t *testing.T, b *browser, v *viewed) {
	t.Helper()
	control := filepath.Join(v.runtime, "control")
	out, err := exec.CommandContext(t.Context(), "availd", "status", "--format=svg", control).Output()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "chart.svg")
	if err := os.WriteFile(file, out, 0o644); err != nil {
		t.Fatal(err)
	}
	b.open("file://" + file)
	b.quiet("the chart")
	if got := b.text(`document.documentElement.textContent`); !strings.Contains(got, "at most 3 busy of 3") {
		t.Errorf("the chart says %q", got)
	}
	if dir := os.Getenv("AVAILD_PICTURES"); dir != "" {
		b.on(screens[3])
		if err := os.WriteFile(filepath.Join(dir, "chart.png"), b.picture(true), 0o644); err != nil {
			t.Error(err)
		}
	}
}

// comesBack: the page loads itself anew.
func comesBack(t *testing.T, b *browser, v *viewed) {
	t.Helper()
	b.open("http://" + v.page + "/?refresh=1")
	before := b.events["Page.loadEventFired"]
	for b.events["Page.loadEventFired"] == before {
		b.next()
	}
	b.quiet("the page that has loaded itself")
	if _, h, _ := v.get("/?refresh=7", "text/html"); h.Get("Refresh") != strconv.Itoa(7) {
		t.Errorf("Refresh is %q", h.Get("Refresh"))
	}
}
