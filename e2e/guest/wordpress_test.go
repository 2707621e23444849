//go:build e2e

package guest

import (
	"bytes"
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/guest/harness"
	"github.com/availd/availd/internal/event"
)

// wordpress is an application in PHP of the kind of WordPress: each page loads many files and has
// a session, files are uploaded, and there are pages that end their process or run out of
// memory.
//
//go:embed testdata/site
var wordpress embed.FS

// phpSite is php-cgi as its administrator sets it up: with room for uploads, and an opcode
// cache that keeps what it has compiled once, so that a reload brings new code and nothing
// else does.
var phpSite = []string{
	"/usr/bin/php-cgi",
	"-d", "opcache.validate_timestamps=0", "-d", "opcache.file_update_protection=0", "-d", "session.save_path=/var/lib/wordpress",
	"-d", "memory_limit=32M", "-d", "upload_max_filesize=8M", "-d", "post_max_size=9M",
}

// TestWordPress reloads such an application ten times, behind nginx and forked by a template,
// while visitors have sessions, upload 5 MB each, and hit the pages that fail. Nobody else
// notices: each visit is the next of its session.
func TestWordPress(t *testing.T) {
	t.Parallel()
	const limit, reloads = 4, 10
	s := pool{
		name: "wordpress", command: phpSite,
		listen:  []string{"ListenStream=/run/wordpress.sock"},
		socket:  []string{"SocketMode=0660", "SocketGroup=www-data"},
		service: []string{"StateDirectory=wordpress"},
		options: []string{fmt.Sprint("--limit=", limit), "--protocol=fastcgi", "--retire-signal=TERM", "--template=preload", "--preload=" + harness.Preload},
	}.install(t, (*service).writeSite)
	s.release(0)
	v := visitSite(behindNginx(t, s, "/run/wordpress.sock", s.dir+"$fastcgi_script_name").URL)
	defer v.leave()
	for i := range reloads {
		v.await(t, i)
		for range 2 {
			if status, _, err := v.fetch(v.newClient(), "segv.php", nil); err != nil || status != http.StatusBadGateway {
				t.Errorf("the page that ends its process: status %d, %v", status, err)
			}
		}
		s.release(i + 1)
		s.Reload()
	}
	v.await(t, reloads)
	areForks(s, awaitTemplate(s, harness.Process{}))
	v.leave()
	v.check(t)
	now := s.state()
	if c := now.Counters; c.BadStarts != 0 || c.Throttles != 0 || c.RejectedReports != 0 {
		t.Errorf("%+v", c)
	}
	if f := now.LastFailure; f == nil || f.Signal == nil || *f.Signal != int(unix.SIGSEGV) {
		t.Errorf("the last failure is %+v, want signal 11", f)
	}
	s.Stop()
	if left := s.Processes(); len(left) > 0 {
		t.Errorf("after the stop %v are left", left)
	}
	if exited, _, _ := strings.Cut(event.Exited.Text, "{"); s.said(exited) > 0 { // php-cgi exits so if a request of its life was too much
		t.Error("workers that were asked to exit are said to have failed")
	}
}

// writeSite puts the application into the folder of the service.
func (s *service) writeSite() {
	files, err := wordpress.ReadDir("testdata/site")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, f := range files {
		text, err := wordpress.ReadFile(path.Join("testdata/site", f.Name()))
		if err != nil {
			s.t.Fatal(err)
		}
		s.write(f.Name(), string(text))
	}
	for i := range 40 {
		s.write(fmt.Sprintf("post%d.php", i), fmt.Sprintf(
			"<?php\nclass Post%d {\n\tstatic function render(string $title): string {\n\t\treturn '<h2>' . htmlspecialchars($title) . '</h2>%s';\n\t}\n}\n",
			i, strings.Repeat("<p>A paragraph of the post.</p>", 20)))
	}
}

// release changes the code.
func (s *service) release(n int) {
	s.t.Helper()
	s.replace("version.php", fmt.Appendf(nil, "<?php return %d;\n", n), 0o644)
}

// siteVisitors are the clients of the application.
type siteVisitors struct {
	url   string
	leave func() // ends all visits; more than once does nothing
	over  sync.WaitGroup

	mu       sync.Mutex
	least    int                      // release that all have seen
	releases []int                    // that each visitor has seen last
	caches   map[int]map[float64]bool // starts of the opcode cache, by release
	pids     map[int]bool
	counts   map[string]int
	failures []string
}

// visitedPage is what index.php says.
type visitedPage struct {
	Visits, Length, Version, PID, Cached int
	Cache                                float64
}

// visitSite begins the visits: three people read, one uploads, and one asks for more than there
// is memory for. They do not hurry, as the machine has others to serve.
func visitSite(url string) *siteVisitors {
	ctx, cancel := context.WithCancel(context.Background())
	v := &siteVisitors{url: url, releases: []int{-1, -1, -1}, caches: map[int]map[float64]bool{}, pids: map[int]bool{}, counts: map[string]int{}}
	v.leave = sync.OnceFunc(func() { cancel(); v.over.Wait() })
	each := func(pause time.Duration, f func() (what string, err error)) {
		v.over.Go(func() {
			turn := time.NewTicker(pause)
			defer turn.Stop()
			for ctx.Err() == nil {
				what, err := f()
				v.note(what, err)
				select {
				case <-turn.C:
				case <-ctx.Done():
				}
			}
		})
	}
	for i := range v.releases {
		client, visits := v.newClient(), 0
		each(300*time.Millisecond, func() (string, error) { visits++; return "pages", v.read(client, i, visits) })
	}
	uploader := v.newClient()
	form, sum := pictureForm()
	each(2*time.Second, func() (string, error) { return "uploads", v.upload(uploader, form, sum) })
	glutton := v.newClient()
	each(time.Second, func() (string, error) {
		status, _, err := v.fetch(glutton, "memory.php", nil)
		if err == nil && status != http.StatusInternalServerError {
			err = fmt.Errorf("status %d", status)
		}
		return "pages without memory", err
	})
	return v
}

func (v *siteVisitors) newClient() *http.Client {
	jar, _ := cookiejar.New(nil) // it has no error without options
	return &http.Client{Jar: jar, Timeout: harness.Patience}
}

// fetch is one request: a POST with a form, or else a GET.
func (v *siteVisitors) fetch(c *http.Client, name string, f *filledForm) (status int, body []byte, err error) {
	var resp *http.Response
	if f != nil {
		resp, err = c.Post(v.url+name, f.kind, bytes.NewReader(f.body))
	} else {
		resp, err = c.Get(v.url + name)
	}
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	return resp.StatusCode, body, err
}

// read is one visit of a page, the n-th of its session.
func (v *siteVisitors) read(c *http.Client, visitor, n int) error {
	status, body, err := v.fetch(c, "index.php", nil)
	var p visitedPage
	if err == nil {
		err = json.Unmarshal(body, &p)
	}
	if err != nil {
		return fmt.Errorf("visit %d: status %d, %w: %.200s", n, status, err, body)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.pids[p.PID] = true
	if v.caches[p.Version] == nil {
		v.caches[p.Version] = map[float64]bool{}
	}
	v.caches[p.Version][p.Cache] = true
	v.releases[visitor] = p.Version
	if p.Visits != n || p.Length < 20000 || p.Version < v.least || p.Cached < 40 {
		return fmt.Errorf("visit %d after release %d says %+v", n, v.least, p)
	}
	return nil
}

func (v *siteVisitors) upload(c *http.Client, f *filledForm, sum string) error {
	status, body, err := v.fetch(c, "upload.php", f)
	if err == nil && (status != http.StatusOK || string(body) != sum) {
		err = fmt.Errorf("status %d: %.200s", status, body)
	}
	return err
}

// filledForm is the body of an upload.
type filledForm struct {
	kind string
	body []byte
}

// pictureForm is a form with a file of 5 MB, and what sha1_file() has to say of that.
func pictureForm() (*filledForm, string) {
	file := make([]byte, 5<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(file) // neither this nor what is written to memory can fail
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, _ := w.CreateFormFile("file", "picture.jpg")
	_, _ = part.Write(file)
	_ = w.Close()
	sum := sha1.Sum(file)
	return &filledForm{w.FormDataContentType(), body.Bytes()}, hex.EncodeToString(sum[:])
}

func (v *siteVisitors) note(what string, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.counts[what]++
	if err != nil {
		v.failures = append(v.failures, fmt.Sprintf("%s: %v", what, err))
	}
}

// await waits until the latest page of each visitor is of a release. No page is older from
// then on; a moment before, workers of the one before may still have answered.
func (v *siteVisitors) await(t *testing.T, release int) {
	t.Helper()
	harness.WaitFor(t, fmt.Sprint("all visitors to see release ", release), harness.Patience, func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		if slices.ContainsFunc(v.releases, func(seen int) bool { return seen != release }) {
			return false
		}
		v.least = release
		return true
	})
}

// check says how the visits went: none has failed, several workers have served them, and all
// workers of a release had one opcode cache.
func (v *siteVisitors) check(t *testing.T) {
	t.Helper()
	t.Logf("%v by %d workers", v.counts, len(v.pids))
	for i, f := range v.failures {
		if i == 5 {
			break
		}
		t.Error(f)
	}
	if n := len(v.failures); n > 0 {
		t.Errorf("%d requests failed", n)
	}
	if len(v.pids) < len(v.caches) || v.counts["uploads"] == 0 || v.counts["pages without memory"] == 0 {
		t.Error("the visits are no test")
	}
	for release, starts := range v.caches {
		if len(starts) != 1 {
			t.Errorf("workers of release %d have %d opcode caches: %v", release, len(starts), starts)
		}
	}
}
