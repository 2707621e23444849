package top

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/prose"
	"github.com/availd/availd/internal/status"
)

var update = flag.Bool("update", false, "write the golden screens anew")

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.Local)

func ptr[T any](v T) *T { return &v }

// busyWeb is a service that is full, after so many requests.
func busyWeb(requests uint64, fast, slow uint64) *status.Service {
	s := &status.Service{
		Name: "web", Version: "0.1.0", MainPID: 1706, StartedAt: noon.Add(-302 * time.Second), Protocol: "notify",
		Limit: 8, Total: 8, Busy: 8, FullSince: ptr(noon.Add(-7 * time.Second)),
		Set:      []status.Set{{Option: "limit", Value: "8", Configured: "20"}},
		Sockets:  []status.Socket{{Name: "web.socket", Address: "127.0.0.1:8080", Queue: ptr(3), Backlog: ptr(4096), OldestWait: ptr(1.25)}, {Name: "web.sock", Address: "/run/web.sock", Queue: ptr(0), OldestWait: ptr(0.0)}},
		Counters: status.Counters{Requests: &requests},
		RequestTimes: &status.Times{
			Bounds: []float64{0.001, 0.005, 0.01, 0.1, 1}, Counts: []uint64{0, fast, 0, slow, 0, 0}, Sum: 1,
		},
	}
	for i := range 8 {
		s.Workers = append(s.Workers, status.Worker{
			PID: 1813 + i, Generation: uint64(5 + i), State: "busy", Requests: ptr(uint64(10 * i)), AgeSeconds: float64(100 - i), Status: "GET /slow", BusySeconds: ptr(float64(i) * 0.9),
		})
	}
	s.Workers[2].Status = "evil \x1b[2J\u202e\u0301 日本 text"
	s.Workers[3].Stress, s.Workers[3].Adopted = true, true
	return s
}

func calmMail() *status.Service {
	return &status.Service{
		Name: "mail-with-a-rather-long-name.example", Version: "0.1.0", MainPID: 12, StartedAt: noon.Add(-50 * time.Hour), Protocol: "queue",
		Limit: 50, Total: 12, Starting: 1, Busy: status.UnknownCount, Idle: status.UnknownCount, Retiring: 2,
		Sockets: []status.Socket{{Name: "mail.socket", Queue: ptr(0), Backlog: ptr(128)}},
		Workers: []status.Worker{
			{PID: 40, Generation: 1, State: "unknown", AgeSeconds: 5000}, {PID: 41, Generation: 2, State: "retiring", AgeSeconds: 4000}, {PID: 44, Generation: 4, State: "starting", AgeSeconds: 0.5},
		},
	}
}

// pictured is what is known after four samples.
func pictured() Picture {
	idle := &status.Service{Name: "api", Limit: 20, Sockets: []status.Socket{{Queue: ptr(0), OldestWait: ptr(0.0)}}, Counters: status.Counters{Requests: ptr(uint64(7))}}
	heard := func(web *status.Service) []Heard {
		return []Heard{{Name: web.Name, Service: web}, {Name: "api", Service: idle}, {Name: calmMail().Name, Service: calmMail()}}
	}
	first := append(heard(busyWeb(1000, 10, 0)), Heard{Name: "old", Service: idle}, Heard{Name: "stuck", Service: idle})
	p := Picture{}.Next(noon.Add(-64*time.Second), first)
	p = p.Next(noon.Add(-62*time.Second), append(heard(busyWeb(1000, 10, 0)), Heard{Name: "stuck", Why: "service stuck does not answer within 800ms"}, Heard{Name: "phoenix", Why: "no"}))
	p = p.Next(noon.Add(-time.Second), append(heard(busyWeb(1000, 10, 0)), Heard{Name: "stuck", Why: "service stuck does not answer within 800ms"}, Heard{Name: "phoenix", Service: idle}))
	return p.Next(noon, append(heard(busyWeb(1123, 100, 33)), Heard{Name: "stuck", Why: "service stuck does not answer within 800ms"}, Heard{Name: "phoenix", Service: idle}))
}

// TestScreens compares screens of three sizes with golden ones. None may be larger than it is
// asked to be, or hold what drives a terminal.
func TestScreens(t *testing.T) {
	p := pictured()
	press := func(v View, keys ...Key) View {
		for _, k := range keys {
			v = v.Press(k, p)
		}
		return v
	}
	for name, v := range map[string]View{
		"all-80x24":     {Width: 80, Height: 24},
		"all-40x10":     {Width: 40, Height: 10},
		"all-200x50":    {Width: 200, Height: 50},
		"one-80x24":     {Width: 80, Height: 24, Only: "web"},
		"one-40x10":     {Width: 40, Height: 10, Only: "web"},
		"one-200x50":    {Width: 200, Height: 50, Only: "web"},
		"gone-80x24":    {Width: 80, Height: 24, Only: "old"},
		"ascii-80x24":   {Width: 80, Height: 24, ASCII: true},
		"color-80x24":   {Width: 80, Height: 24, Color: true},
		"help-80x24":    press(View{Width: 80, Height: 24}, 'h'),
		"details-80x24": press(View{Width: 80, Height: 24}, Down, Down, Enter),
		"paused-80x24":  press(View{Width: 80, Height: 24}, 'p', 'S', 'r', End),
		"small":         {Width: 10, Height: 3},
	} {
		lines := Screen(p, v)
		if len(lines) > v.Height {
			t.Errorf("%s: %d lines", name, len(lines))
		}
		for i, line := range lines {
			if bare := colors.Replace(line); prose.Width(bare) >= v.Width || !prose.IsPrintable(bare) {
				t.Errorf("%s, line %d: %d columns: %q", name, i+1, prose.Width(bare), line)
			}
			if v.ASCII && strings.ContainsFunc(line, func(r rune) bool { return r > 0x7e }) {
				t.Errorf("%s, line %d: %q", name, i+1, line)
			}
		}
		file := filepath.Join("testdata", name+".txt")
		got := strings.ReplaceAll(strings.Join(lines, "\n"), "\x1b", "ESC") + "\n"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s:\n%s\nwant:\n%s", name, got, want)
		}
	}
}

var colors = strings.NewReplacer("\x1b[0m", "", "\x1b[1m", "", "\x1b[2m", "", "\x1b[31m", "", "\x1b[32m", "", "\x1b[33m", "", "\x1b[35m", "", "\x1b[36m", "")

// TestEverySize: there is a screen for each.
func TestEverySize(t *testing.T) {
	p := pictured()
	for _, only := range []string{"", "web", "old", "nobody"} {
		for width := range 130 {
			for height := range 40 {
				for _, v := range []View{{Width: width, Height: height, Only: only}, {Width: width, Height: height, Only: only, details: true}} {
					lines := Screen(p, v)
					if len(lines) > max(height, 1) {
						t.Fatalf("%dx%d: %d lines", width, height, len(lines))
					}
					for _, line := range lines {
						if prose.Width(line) > max(width-1, 1) {
							t.Fatalf("%dx%d: %q", width, height, line)
						}
					}
				}
			}
		}
	}
}
