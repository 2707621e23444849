package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// past is an hour of a pool.
func past(t *testing.T, name string) history.Document {
	t.Helper()
	h := history.New(make([]byte, history.Size))
	now := 50 * time.Hour
	for i := range 3600 {
		now += time.Second
		n := int(4 + 4*math.Sin(float64(i)/300))
		h.Note(now, history.Sample{Busy: n, Idle: 9 - n, Limit: 10, Queue: max(0, n-6), Wait: time.Duration(n) * time.Millisecond, Requests: uint64(20 * i), Counted: true})
	}
	return history.Compose(name, h.Save(now), now, noon, nil)
}

func render(t *testing.T, s status.Service, d history.Document) string {
	t.Helper()
	text, err := Render(&s, &d)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEscapes: no text of others is more than text.
func TestEscapes(t *testing.T) {
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>&'` + "`" + `</style></title>`
	unit := evil
	fault := evil
	s := status.Service{
		Name: evil, Version: evil, Unit: &unit, Protocol: evil, Total: 1, Busy: 1, Warnings: []string{evil}, ThrottledUntil: &noon, ThrottleReason: &unit,
		Sockets: []status.Socket{{Name: evil, Address: evil, Fault: &fault}}, Workers: []status.Worker{{State: evil, Status: evil}},
	}
	d := past(t, evil)
	d.Events = []history.Event{{At: noon, Times: 2, Severity: evil, Event: evil, Reason: evil, Text: evil}, {Event: "full", Text: evil}}
	text := render(t, s, d)
	if n := strings.Count(text, "alert(1)"); n < 10 {
		t.Errorf("the texts are shown %d times", n)
	}
	for _, tag := range regexp.MustCompile(`<[a-zA-Z/!][^>]*>`).FindAllString(text, -1) {
		if strings.Contains(tag, "alert") && !strings.Contains(tag, "&#34;") || strings.HasPrefix(tag, "<script") || strings.HasPrefix(tag, "<img") {
			t.Errorf("%s is in the page", tag)
		}
	}
	var chart strings.Builder
	if err := WriteChart(&chart, []history.Document{d, d}); err != nil {
		t.Fatal(err)
	}
	texts := wellFormed(t, chart.String())
	if strings.Count(chart.String(), "<script") > 0 || strings.Count(texts, evil) != 2 {
		t.Errorf("the chart has the name %d times", strings.Count(texts, evil))
	}
}

// wellFormed returns the text of an SVG.
func wellFormed(t *testing.T, text string) string {
	t.Helper()
	var said strings.Builder
	decoder := xml.NewDecoder(strings.NewReader(text))
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return said.String()
		}
		if err != nil {
			t.Fatalf("%v in\n%.500s", err, text)
		}
		if data, ok := token.(xml.CharData); ok {
			said.Write(data)
		}
	}
}

// TestPolicy: the page does nothing that its policy refuses, and asks nobody for anything.
func TestPolicy(t *testing.T) {
	text := render(t, status.Service{Name: "web"}, past(t, "web"))
	styles := regexp.MustCompile(`(?s)<style>(.*?)</style>`).FindAllStringSubmatch(text, -1)
	if len(styles) != 1 {
		t.Fatalf("it has %d styles", len(styles))
	}
	sum := sha256.Sum256([]byte(styles[0][1]))
	if want := "style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "';"; !strings.Contains(Policy(), want) {
		t.Errorf("the policy %q is without %s", Policy(), want)
	}
	for _, directive := range []string{"default-src 'none';", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
		if !strings.Contains(Policy(), directive) {
			t.Errorf("the policy is without %s", directive)
		}
	}
	for _, never := range []string{"<script", "style=", "@import", "url(", "src=", "javascript:", "<form", "<iframe", "<object", " on"} {
		for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(text, -1) {
			if strings.Contains(tag, never) {
				t.Errorf("%q has %q", tag, never)
			}
		}
	}
	for _, link := range regexp.MustCompile(`href="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if strings.Contains(link[1], "//") && !strings.HasPrefix(link[1], "data:image/svg+xml,") {
			t.Errorf("it leads to %s", link[1])
		}
	}
}

// TestConditions: each condition is said, and has advice where somebody may have to act.
func TestConditions(t *testing.T) {
	one, full, gone := 1, 5, status.PathGone
	for word, s := range map[string]status.Service{
		"SOCKET DOWN": {Sockets: []status.Socket{{Fault: &gone}}},
		"OVERFLOW":    {Sockets: []status.Socket{{Queue: &full, Backlog: &one}}},
		"WAITING":     {UnservedSince: &noon},
		"FULL":        {FullSince: &noon},
		"STRESS":      {StressUntil: &noon},
		"THROTTLED":   {ThrottledUntil: &noon},
		"draining":    {Draining: true},
		"ok":          {},
	} {
		text := render(t, s, past(t, "web"))
		if !strings.Contains(text, ">"+word+"</span>") || !strings.Contains(text, word+"</title>") {
			t.Errorf("%s is not said", word)
		}
		needed := word != "ok" && word != "draining"
		if has := strings.Contains(text, `<p class="advice">`); has != needed {
			t.Errorf("%s: advice is there: %v", word, has)
		}
	}
}

// TestLarge: a page has a bounded length, whatever the pool.
func TestLarge(t *testing.T) {
	s := status.Service{Name: "web", Limit: 5000, Total: 5000, Busy: 5000, Workers: make([]status.Worker, 5000)}
	for i := range s.Workers {
		s.Workers[i] = status.Worker{PID: i, State: "busy", Status: strings.Repeat("x", 256)}
	}
	text := render(t, s, past(t, "web"))
	if n := strings.Count(text, "<tr>"); n != maxRows+1 || !strings.Contains(text, fmt.Sprintf("%d more are not shown", 5000-maxRows)) {
		t.Errorf("%d rows", n)
	}
	if len(text) > 300<<10 {
		t.Errorf("%d bytes", len(text))
	}
	small := render(t, status.Service{Name: "web"}, past(t, "web"))
	t.Logf("%d bytes without a worker, %d with 5000", len(small), len(text))
}

// TestPaths: what is not known is a gap, and what is too large ends at the top.
func TestPaths(t *testing.T) {
	nan := float32(math.NaN())
	for _, c := range []struct {
		values     history.Values
		area, line string
	}{
		{nil, "", ""},
		{history.Values{nan, nan}, "", ""},
		{history.Values{5, 5, 10}, "M0 1000V500H2V0H3V1000Z", "M0 500V500H2V0H3"},
		{history.Values{nan, 20, nan, 0}, "M1 1000V0H2V1000ZM3 1000V1000H4V1000Z", "M1 0V0H2M3 1000V1000H4"},
	} {
		if got := area(c.values, 10); got != c.area {
			t.Errorf("the area of %v is %s, want %s", c.values, got, c.area)
		}
		if got := line(c.values, 10); got != c.line {
			t.Errorf("the line of %v is %s, want %s", c.values, got, c.line)
		}
	}
	for v, want := range map[float64]float64{0: 1, 0.1: 0.1, 0.11: 0.2, 1: 1, 3: 5, 7: 10, 100: 100, 101: 200, 4999: 5000} {
		if got := nice(v); math.Abs(got-want) > 1e-9*want {
			t.Errorf("above %v is %v, want %v", v, got, want)
		}
	}
}

// TestNothingKnown: a pool whose workers do not report, and one of which nothing is kept.
func TestNothingKnown(t *testing.T) {
	h := history.New(make([]byte, history.Size))
	d := history.Compose("web", h.Save(time.Hour), time.Hour, noon, nil)
	text := render(t, status.Service{Name: "web", Busy: status.UnknownCount, Idle: status.UnknownCount}, d)
	if n := strings.Count(text, "not known"); n < 8 {
		t.Errorf("%d plots are not known", n)
	}
	h.Note(time.Hour, history.Sample{Busy: history.None, Idle: history.None, Unknown: 4, Limit: history.None})
	d = history.Compose("web", h.Save(2*time.Hour), 2*time.Hour, noon, nil)
	text = render(t, status.Service{Name: "web", Total: 4, Busy: status.UnknownCount, Idle: status.UnknownCount}, d)
	if !strings.Contains(text, `<path class="unknown" d="M`) || !strings.Contains(text, "at most 4") || strings.Contains(text, `class="limit" d`) {
		t.Error("four workers of unknown state are not shown, or a limit is")
	}
	var b bytes.Buffer
	if err := WriteChart(&b, nil); err != nil || !strings.Contains(wellFormed(t, b.String()), "no services") {
		t.Errorf("%v, %s", err, b.String())
	}
}

func BenchmarkRender(b *testing.B) {
	d := past(&testing.T{}, "web")
	for range b.N {
		if _, err := Render(&status.Service{Name: "web"}, &d); err != nil {
			b.Fatal(err)
		}
	}
}
