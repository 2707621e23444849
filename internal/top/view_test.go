package top

import (
	"slices"
	"testing"
	"time"

	"github.com/availd/availd/internal/status"

	"github.com/availd/availd/internal/testutil"
)

// TestPicture: a service that is gone stays for a while, and one that comes back is told of.
func TestPicture(t *testing.T) {
	web, mail := &status.Service{Name: "web"}, &status.Service{Name: "mail"}
	heard := func(all ...*status.Service) (list []Heard) {
		for _, s := range all {
			list = append(list, Heard{Name: s.Name, Service: s})
		}
		return list
	}
	at := noon
	next := func(p Picture, after time.Duration, h []Heard) Picture {
		at = at.Add(after)
		return p.Next(at, h)
	}
	p := next(Picture{}, 0, heard(web, mail))
	if len(p.Entries) != 2 || p.Entries[0].Name != "mail" {
		t.Fatalf("%+v", p)
	}
	p = next(p, time.Second, heard(mail))
	if e := p.entry("web"); e.Now != nil || e.Why != gone || e.Since != at {
		t.Errorf("%+v", e)
	}
	since := at
	p = next(p, time.Second, append(heard(mail), Heard{Name: "web", Why: "late"}))
	if e := p.entry("web"); e.Now != nil || e.Why != "late" || e.Since != since {
		t.Errorf("%+v", e)
	}
	p = next(p, time.Second, heard(mail, web, web))
	if e := p.entry("web"); e.Now == nil || !e.Back || e.Since != at || e.Before != nil || len(p.Entries) != 2 {
		t.Errorf("%+v", e)
	}
	p = next(p, shownBack, heard(mail, web))
	if e := p.entry("web"); e.Back || e.Before == nil || e.Took != shownBack {
		t.Errorf("%+v", e)
	}
	p = next(p, time.Second, heard(mail))
	p = next(p, shownGone, heard(mail))
	if p.entry("web") != nil {
		t.Error("what is gone is shown for ever")
	}
}

// TestKeys: what each key does.
func TestKeys(t *testing.T) {
	p := pictured()
	var v View
	press := func(keys ...Key) {
		for _, k := range keys {
			v = v.Press(k, p)
		}
	}
	place := func() int { return v.place(v.workers(p)) }
	steps := []struct {
		name string
		keys []Key
		ok   func() bool
	}{
		{"the first worker is selected", nil, func() bool { return place() == 0 }},
		{"down, and up", []Key{Down, 'j', Up}, func() bool { return place() == 1 }},
		{"the end", []Key{End}, func() bool { return place() == 10 }},
		{"there is nothing below it", []Key{Down, PageDown}, func() bool { return place() == 10 }},
		{"the beginning", []Key{'g', 'k', PageUp}, func() bool { return place() == 0 }},
		{"the worker stays selected in another order", []Key{Down, 's', 's', 's', 's'}, func() bool { return v.workers(p)[place()].PID == 1819 && orders[v.sort].name == "pid" }},
		{"orders go round", []Key{'s', 'S', 'S'}, func() bool { return orders[v.sort].name == "state" }},
		{"the other way round", []Key{'s', 'r'}, func() bool {
			return slices.IsSortedFunc(v.workers(p), func(a, b row) int { return b.PID - a.PID })
		}},
		{"details", []Key{Enter}, func() bool { return v.details }},
		{"and back", []Key{Escape}, func() bool { return !v.details }},
		{"one service after the other", []Key{'n'}, func() bool { return v.Only == "api" }},
		{"the next, and that selects its first worker", []Key{'n'}, func() bool { return v.Only == calmMail().Name && place() == 0 && len(v.workers(p)) == 3 }},
		{"after the last come all", []Key{'n', 'n', 'n', 'n', 'n'}, func() bool { return v.Only == "" }},
		{"all", []Key{'n', 'a'}, func() bool { return v.Only == "" }},
		{"pause", []Key{'p'}, func() bool { return v.Paused() }},
		{"and go on", []Key{' '}, func() bool { return !v.Paused() }},
		{"help takes any key", []Key{'h', 'p'}, func() bool { return !v.Paused() && !v.help }},
		{"no key", []Key{'Z', Redraw, Suspend}, func() bool { return !v.Quit() }},
		{"quit, from the help, too", []Key{'?', 'q'}, func() bool { return v.Quit() }},
	}
	for _, s := range steps {
		press(s.keys...)
		if !s.ok() {
			t.Errorf("%s: %+v", s.name, v)
		}
	}
}

// TestSelectedIsGone: the list begins at the top again, and details say so.
func TestSelectedIsGone(t *testing.T) {
	p := pictured()
	v := View{Width: 80, Height: 24, Only: "web"}.Press(End, p).Press(Enter, p)
	web := p.entry("web").Now
	web.Workers = web.Workers[5:]
	if lines := Screen(p, v); !slices.Contains(lines, "The worker has exited. Enter shows the list.") {
		t.Errorf("%q", lines)
	}
	v = v.Press(Enter, p)
	if lines := Screen(p, v); len(lines) != 24 || v.place(v.workers(p)) != 0 {
		t.Errorf("place %d: %q", v.place(v.workers(p)), lines)
	}
}

// TestDecoder: keys come in one piece or in several, and with some that nobody knows.
func TestDecoder(t *testing.T) {
	for sent, want := range map[string][]Key{
		"q": {'q'}, "\r\n": {Enter, Enter}, "\x1b[A\x1bOB": {Up, Down}, "\x1b[5~\x1b[6~": {PageUp, PageDown}, "\x1b[H\x1b[4~": {Home, End},
		"\x03\x1a\x0c": {Interrupt, Suspend, Redraw}, "\x1b[1;5Cx": {'x'}, "\x1b\x1b[A": {Escape, Up}, "\x1b": {Escape}, "\x7f\x00ä": nil,
		"\x1bxy": {'y'}, "\x1b[12345678901234567890~q": {'5', '6', '7', '8', '9', '0', '~', 'q'},
	} {
		for _, whole := range []bool{true, false} {
			var d Decoder
			var got []Key
			if whole {
				got = d.Feed([]byte(sent))
			} else {
				for i := range len(sent) {
					got = append(got, d.Feed([]byte{sent[i]})...)
				}
			}
			if d.Begun() {
				got = append(got, d.Flush()...)
			}
			if !slices.Equal(got, want) || d.Begun() {
				t.Errorf("%q: %v, want %v", sent, got, want)
			}
		}
	}
}

func FuzzDecoder(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add([]byte("\x1b[Aq\x1b"))
	f.Fuzz(func(t *testing.T, sent []byte) {
		var d Decoder
		v, p := View{Width: 80, Height: 24}, pictured()
		for _, k := range append(d.Feed(sent), d.Flush()...) {
			v = v.Press(k, p)
		}
		if lines := Screen(p, v); len(lines) > 24 {
			t.Errorf("%d lines after %q", len(lines), sent)
		}
	})
}
