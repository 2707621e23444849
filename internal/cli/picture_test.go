package cli

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/page"
	"github.com/availd/availd/internal/status"
)

// TestPicture shows an example in the browser. AVAILD_PICTURES is a directory where the
// picture of README.md is written, which is docs/pictures:
//
//	AVAILD_PICTURES=$PWD/docs/pictures go test ./internal/cli -run TestPicture
func TestPicture(t *testing.T) {
	b := openBrowser(t)
	s, d := example()
	text, err := page.Render(&s, &d)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Security-Policy", page.Policy())
		w.Header().Set("Content-Type", page.ContentType)
		_, _ = w.Write(text)
	}))
	t.Cleanup(server.Close)
	b.call("Emulation.setScrollbarsHidden", map[string]any{"hidden": true}, nil)
	b.on(screen{"desk", 1280, 990, false, false})
	b.open(server.URL)
	b.quiet("the example")
	for what, want := range map[string]string{
		`String(document.querySelectorAll(".events li").length)`: "4",
		`document.querySelector(".badge").textContent`:           "STRESS",
	} {
		if got := b.text(what); got != want {
			t.Errorf("%s is %q, want %q", what, got, want)
		}
	}
	picture := fewColours(t, b.picture(false))
	if len(picture) > 150_000 {
		t.Errorf("the picture has %d bytes", len(picture))
	}
	if dir := os.Getenv("AVAILD_PICTURES"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "page.png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// example is a day of a service with twelve workers at most, which a queue of clients has
// kept full for some minutes an hour ago: arrivals by chance, requests of a third of a second.
func example() (status.Service, history.Document) {
	const limit, took, step = 12, 0.33, 200 * time.Millisecond
	random := rand.New(rand.NewPCG(7, 7))
	h := history.New(make([]byte, history.Size))
	begin := 100 * time.Hour
	end := begin + 24*time.Hour
	noon := time.Date(2026, 11, 30, 14, 12, 0, 0, time.UTC)
	var busy, idle, queue int
	var wait float64
	var requests uint64
	load := 0.0
	for now := begin; now < end; now += step {
		left := (end - now).Minutes()
		// Few come at night, most at noon; half an hour ago there was a rush.
		rate := 3 + 13*math.Pow(math.Max(0, math.Sin((now-begin).Hours()/24*2*math.Pi-2.0)), 1.5) + 9
		rate += 26 * math.Exp(-math.Pow((left-24)/5, 2))
		load += (rate - load) * 0.002
		busy -= drawn(random, float64(busy)*step.Seconds()/took)
		busy = max(busy, 0)
		queue += drawn(random, math.Max(load*(0.7+0.6*random.Float64()), 0)*step.Seconds())
		for queue > 0 && busy < limit {
			queue, busy, requests = queue-1, busy+1, requests+1
		}
		idle = max(min(max(idle, 2), limit-busy), 0)
		if random.IntN(400) == 0 {
			idle = max(idle-1, 0)
		}
		if wait = 0; queue > 0 {
			wait = float64(queue) / (limit / took)
		}
		h.Note(now, history.Sample{
			Busy: busy, Idle: idle, Limit: limit, Queue: queue, Wait: time.Duration(wait * float64(time.Second)), Requests: requests, Counted: true,
		})
	}
	at := func(minutes float64) time.Time { return noon.Add(-time.Duration(minutes * float64(time.Minute))) }
	d := history.Compose("shop", h.Save(end), end, noon, []history.Event{
		{At: at(19), Since: at(19), Times: 1, Severity: "info", Event: "full_ends", Text: "the pool is no longer full, after 9m4.2s: new clients are served at once"},
		{At: at(28), Since: at(28), Times: 1, Severity: "warning", Event: "full", Text: "the pool is full, 12 workers busy at limit 12: new clients wait in the queue; raise limit= (--limit) if CPU and memory have room, else make requests shorter"},
		{At: at(28.4), Since: at(28.4), Times: 1, Severity: "warning", Event: "stress_begins", Reason: "flag", Text: "overload (stress) begins with worker 12 of 12: until 14:24:12 new workers get AVAILD_STRESS=yes, and older ones stay as they are; if it stays, raise limit= (--limit)"},
		{At: at(212), Since: at(212), Times: 1, Severity: "info", Event: "reloaded", Text: "reloaded: 7 older workers replaced or asked to retire"},
	})
	unit, until, none, need := "shop.service", noon.Add(12*time.Minute), 0.0, 16
	s := status.Service{
		Name: "shop", Version: "0.1.0", Unit: &unit, MainPID: 1706, StartedAt: noon.Add(-50 * time.Hour), Protocol: "notify", Limit: limit, StressUntil: &until,
		Busy: status.Count(busy), Idle: status.Count(idle), Total: busy + idle, Counters: status.Counters{Requests: &requests},
		Demand:  status.Demand{Peak: 31, FullSeconds: 544, AdvisedLimit: &need},
		Sockets: []status.Socket{{Name: "shop.socket", Address: "[::]:8080", Queue: new(0), Backlog: new(4096), OldestWait: &none}},
	}
	for i := range s.Total {
		w := status.Worker{PID: 4711 + 13*i, Generation: uint64(3021 + i), State: "busy", Requests: new(uint64(900 - 60*i)), AgeSeconds: float64(1700 - 120*i), Stress: i > busy}
		if i >= busy {
			w.State = "idle"
		}
		s.Workers = append(s.Workers, w)
	}
	return s, d
}

// drawn is how many of so many on average there are, by chance.
func drawn(random *rand.Rand, mean float64) int {
	n, p := 0, math.Exp(-mean)
	for u := random.Float64(); u > p && n < 1000; n++ {
		u *= random.Float64()
		if u <= p {
			return n + 1
		}
	}
	return n
}

// fewColours makes a picture smaller: it has the 256 colours that are there most often.
func fewColours(t *testing.T, picture []byte) []byte {
	t.Helper()
	whole, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	often := map[color.RGBA]int{}
	size := whole.Bounds()
	for y := size.Min.Y; y < size.Max.Y; y++ {
		for x := size.Min.X; x < size.Max.X; x++ {
			often[color.RGBAModel.Convert(whole.At(x, y)).(color.RGBA)]++
		}
	}
	var all color.Palette
	for c := range often {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b color.Color) int { return often[b.(color.RGBA)] - often[a.(color.RGBA)] })
	few := image.NewPaletted(size, all[:min(len(all), 256)])
	draw.Draw(few, size, whole, size.Min, draw.Src)
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, few); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
