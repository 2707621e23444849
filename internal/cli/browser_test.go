package cli

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

// browser is Chromium without a window, spoken to in its DevTools protocol over two pipes.
type browser struct {
	t       *testing.T
	out     *os.File
	in      *bufio.Reader
	session string
	number  int
	// complaints are what its console says, with what it has refused to load.
	complaints []string
	events     map[string]int
}

// reply is a message of the browser: an answer, or an event.
type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// openBrowser starts one, with a tab. It ends with the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	path := testutil.Program(t, "chromium-headless-shell")
	fromUs, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "browser")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--remote-debugging-pipe", "--user-data-dir="+dir, "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1")
	cmd.ExtraFiles = []*os.File{fromUs, toUs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // it has many processes
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = fromUs.Close(), toUs.Close()
	t.Cleanup(func() {
		_ = out.Close() // it ends then
		late := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
		_ = in.Close()
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		// Those that are left write for a moment longer.
		for until := time.Now().Add(10 * time.Second); os.RemoveAll(dir) != nil && time.Now().Before(until); {
			time.Sleep(20 * time.Millisecond)
		}
	})
	_ = in.SetReadDeadline(time.Now().Add(2 * patience))
	b := &browser{t: t, out: out, in: bufio.NewReader(in), events: map[string]int{}}
	var tab struct {
		TargetID  string `json:"targetId"`
		SessionID string `json:"sessionId"`
	}
	b.call("Target.createTarget", map[string]any{"url": "about:blank"}, &tab)
	b.call("Target.attachToTarget", map[string]any{"targetId": tab.TargetID, "flatten": true}, &tab)
	b.session = tab.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", nil, nil)
	}
	return b
}

// call asks, and takes events until the answer comes.
func (b *browser) call(method string, params map[string]any, result any) {
	b.t.Helper()
	b.number++
	question := map[string]any{"id": b.number, "method": method}
	if params != nil {
		question["params"] = params
	}
	if b.session != "" {
		question["sessionId"] = b.session
	}
	text, err := json.Marshal(question)
	if err == nil {
		_, err = b.out.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		r := b.next()
		if r.ID != b.number {
			continue
		}
		if r.Error != nil {
			b.t.Fatalf("%s: %s", method, r.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(r.Result, result); err != nil {
				b.t.Fatalf("%s: %v", method, err)
			}
		}
		return
	}
}

// next takes one message.
func (b *browser) next() (r reply) {
	b.t.Helper()
	text, err := b.in.ReadBytes(0)
	if err == nil {
		err = json.Unmarshal(text[:len(text)-1], &r)
	}
	if err != nil {
		b.t.Fatalf("the browser says no more: %v", err)
	}
	b.events[r.Method]++
	switch r.Method {
	case "Log.entryAdded", "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Network.loadingFailed":
		b.complaints = append(b.complaints, r.Method+" "+string(r.Params))
	}
	return r
}

// open loads a page and waits until it is there.
func (b *browser) open(url string) {
	b.t.Helper()
	before := b.events["Page.loadEventFired"]
	b.call("Page.navigate", map[string]any{"url": url}, nil)
	for b.events["Page.loadEventFired"] == before {
		b.next()
	}
}

// screen is what the page is shown on.
type screen struct {
	name          string
	width, height int
	phone, dark   bool
}

func (b *browser) on(s screen) {
	b.t.Helper()
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": s.height, "deviceScaleFactor": 1, "mobile": s.phone}, nil)
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}, nil)
}

// value is that of a JavaScript expression, which is the browser's and no part of the page.
func (b *browser) value(expression string, to any) {
	b.t.Helper()
	var answer struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
	}
	b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &answer)
	if err := json.Unmarshal(answer.Result.Value, to); err != nil {
		b.t.Fatalf("%s is %s: %v", expression, answer.Result.Value, err)
	}
}

func (b *browser) text(expression string) (text string) {
	b.t.Helper()
	b.value(expression, &text)
	return text
}

// picture is the page as PNG; whole: also what is below the screen.
func (b *browser) picture(whole bool) []byte {
	b.t.Helper()
	var answer struct {
		Data string `json:"data"`
	}
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &answer)
	data, err := base64.StdEncoding.DecodeString(answer.Data)
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

// quiet fails where the browser complains, and begins anew.
func (b *browser) quiet(when string) {
	b.t.Helper()
	if len(b.complaints) > 0 {
		b.t.Errorf("%s: the browser complains:\n%s", when, strings.Join(b.complaints, "\n"))
	}
	b.complaints = nil
}

func (s screen) String() string {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s-%s", s.name, scheme)
}
