package try

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/protocol"
)

// TestAdvise: what was seen, and what follows from it.
func TestAdvise(t *testing.T) {
	failed := func(way *protocol.Protocol) Seen {
		return Seen{Way: way, Exit: "exited with status 1", Output: "what?"}
	}
	three := []Seen{failed(protocol.FastCGI), failed(protocol.Inetd)}
	for _, c := range []struct {
		name    string
		seen    []Seen
		want    string
		options []string
		note    string // one of the notes, or of Why, has it
	}{
		{name: "php-cgi", seen: []Seen{{Way: protocol.FastCGI, Waits: true, Answer: "FastCGI", Term: Finishes}}, want: "fastcgi", options: []string{"--retire-signal=TERM"}},
		{name: "fcgiwrap", seen: []Seen{{Way: protocol.FastCGI, Waits: true, Answer: "FastCGI", Term: Dies}}, want: "fastcgi"},
		{name: "gunicorn", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Answer: "HTTP", Term: Finishes, Processes: 2}), want: "queue", options: []string{"--retire-signal=TERM"}, note: "2 processes"},
		{name: "a worker that reports", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Ready: true, Reports: true, Answer: "HTTP", Term: Finishes}), want: "notify"},
		{name: "one that does not finish", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Ready: true, Reports: true, Answer: "HTTP", Term: Dies}), want: "notify", options: []string{"--retire-signal=none"}, note: "should finish"},
		{name: "several clients, without reports", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Answer: "HTTP", Holds: 3}), want: "queue", note: "the pool does not grow"},
		{name: "several clients", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Ready: true, Reports: true, Answer: "HTTP", Holds: 3}), want: "notify", note: "X_AVAILD_JOBS="},
		{name: "a slow start", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Answer: "HTTP", Start: time.Second}), want: "queue", note: "--min-spare=1"},
		{name: "preload", seen: append(three, Seen{Way: protocol.Notify, Waits: true, Answer: "HTTP", Preload: Preload{Tried: true, Counts: true, Template: true}}), want: "queue", note: "--template=preload works"},
		{name: "cat", seen: []Seen{failed(protocol.FastCGI), {Way: protocol.Inetd, Reads: true, Ends: true}}, want: "inetd"},
		{name: "daytime", seen: []Seen{failed(protocol.FastCGI), {Way: protocol.Inetd, Greeting: "Mon Nov 30", Exit: clean}}, want: "inetd"},
		{name: "smtpd", seen: []Seen{{Way: protocol.Postfix, Waits: true, Reports: true}}, want: "postfix"},
		{name: "smtpd without its master", seen: []Seen{{Way: protocol.Postfix}}, want: "postfix", note: "whether Postfix runs"},
		{name: "one that fails", seen: append(three, failed(protocol.Notify)), note: "exited with status 1 at once: what?"},
		{name: "one that opens a port", seen: []Seen{{Way: protocol.FastCGI, Elsewhere: "127.0.0.1:8000"}, {Way: protocol.Inetd, Elsewhere: "127.0.0.1:8000"}, {Way: protocol.Notify, Elsewhere: "127.0.0.1:8000"}}, note: "listens on 127.0.0.1:8000 itself"},
		{name: "one that goes into the background", seen: []Seen{failed(protocol.FastCGI), failed(protocol.Inetd), {Way: protocol.Notify, Exit: clean, Background: true}}, note: "stay in the foreground"},
		{name: "one that cannot be executed", seen: []Seen{{Way: protocol.FastCGI, Refused: "no such file"}}, note: "no such file"},
		{name: "one that prints its error to its client", seen: []Seen{failed(protocol.FastCGI), {Way: protocol.Inetd, Greeting: "Traceback", Exit: "exited with status 1"}, failed(protocol.Notify)}, note: "at once"},
	} {
		a := Advise(c.seen)
		if a.Name != c.want || !slices.Equal(a.Options, c.options) {
			t.Errorf("%s: %s %q, want %s %q", c.name, a.Name, a.Options, c.want, c.options)
		}
		if said := a.Why + "\n" + strings.Join(a.Notes, "\n"); !strings.Contains(said, c.note) {
			t.Errorf("%s: said %q, want %q", c.name, said, c.note)
		}
	}
}

// TestNameOf: what a service of a command is called.
func TestNameOf(t *testing.T) {
	for command, want := range map[string]string{
		"/usr/bin/php-cgi": "php-cgi",
		"/bin/cat x":       "cat",
		"/srv/app/web.py":  "web",
		"/bin/sh /bin/cat": "cat",
	} {
		if got := NameOf(strings.Fields(command)); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
	}
}
