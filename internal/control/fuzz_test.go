package control

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/availd/availd/internal/history"
	"github.com/availd/availd/internal/status"

	"github.com/availd/availd/internal/testutil"
)

// FuzzAnswer shows any document that somebody in availd's place may answer with, in all
// forms: what is not refused can be shown, and drives no terminal.
func FuzzAnswer(base *testing.F) {
	f := testutil.Fuzz(base)
	const evil = `"\u001b]0;x\u009b\u202e\n|"`
	for _, text := range []string{
		`{"name":"web","protocol":"notify","limit":8,"total":3,"starting":1,"idle":1,"busy":1,"workers":[{"pid":7,"state":"idle","age_s":3.5}]}`,
		`{"name":E,"version":E,"unit":E,"protocol":E,"throttle_reason":E,"throttled_until":"0000-01-01T00:00:00Z","warnings":[E],` +
			`"sockets":[{"name":E,"address":E,"fault":E,"queue":3,"backlog":1,"drops":1}],"workers":[{"state":E,"status":E}]}`,
		`{"idle":null,"busy":null,"total":5,"starting":2,"limit":5,"full_since":"9999-12-31T23:59:59.999999999+23:59","draining":true}`,
		`{"last_failure":{"at":"2026-01-01T00:00:00Z","signal":-9},"demand":{"peak":5,"full_s":3e9,"advised_limit":16777216}}`,
		`{"stress_until":"2026-01-01T00:00:00Z","unserved_since":"2026-01-01T00:00:00Z","sockets":[{"queue":2147483648,"oldest_wait_s":1e308},{"queue":null}]}`,
		`{"limit":16777216,"total":16777216,"busy":16777216,"counters":{"requests":18446744073709551615}}`,
	} {
		f.Add([]byte(strings.ReplaceAll(text, "E", evil)), uint8(80))
	}
	now := time.Now()
	f.Fuzz(func(t *testing.T, text []byte, width uint8) {
		var s status.Service
		if json.NewDecoder(bytes.NewReader(text)).Decode(&s) != nil {
			return
		}
		err := believe(&s)
		if err != nil {
			plain(t, err.Error())
			return
		}
		_, line := status.Check([]status.Service{s, s}, []status.Trouble{{Severity: status.Unknown, Text: s.Name}}, time.Second)
		plain(t, line)
		if strings.Count(line, "|") != 1 {
			t.Fatalf("%q has not one beginning of data", line)
		}
		style := status.Style{Width: int(width)}
		var b bytes.Buffer
		if err := status.WriteWorkers(&b, s, now, style); err != nil {
			t.Fatal(err)
		}
		if err := status.WriteTable(&b, []status.Service{s, {Name: "other"}}, style); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			plain(t, strings.TrimSuffix(line, "\n"))
		}
		if _, err := json.Marshal([]status.Service{s}); err != nil {
			t.Fatal(err)
		}
		for line := range bytes.Lines(status.MergeMetrics(status.Metrics(&s), status.Metrics(&s), text)) {
			if bytes.Contains(text, line) {
				continue // it was text of the peer's, of which Client.Metrics makes printable lines
			}
			plain(t, strings.TrimSuffix(string(line), "\n"))
		}
		if line := agentLine(&s); !strings.HasSuffix(line, "\n") || strings.Count(line, "\n") != 1 {
			t.Fatalf("%q is not a line", line)
		}
		if n := freePercent(&s); n < 1 || n > 100 {
			t.Fatalf("%d %% are free", n)
		}
	})
}

// plain wants a line that a terminal only shows.
func plain(t *testing.T, text string) {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Fatalf("%q is shown", text)
	}
}

// oneListener has one connection.
type oneListener struct {
	net.Listener
	conns chan net.Conn
}

func (l oneListener) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l oneListener) Close() error { return nil }

// halfClosed is a connection whose peer has said all that it will, and reads. It makes no
// system call.
type halfClosed struct {
	said    *bytes.Reader
	mutex   sync.Mutex
	answers bytes.Buffer
	once    sync.Once
	closed  chan struct{}
}

func (c *halfClosed) Read(b []byte) (int, error) { return c.said.Read(b) }

func (c *halfClosed) Write(b []byte) (int, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.answers.Write(b)
}

func (c *halfClosed) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

func (*halfClosed) LocalAddr() net.Addr              { return &net.UnixAddr{} }
func (*halfClosed) RemoteAddr() net.Addr             { return &net.UnixAddr{} }
func (*halfClosed) SetDeadline(time.Time) error      { return nil }
func (*halfClosed) SetReadDeadline(time.Time) error  { return nil }
func (*halfClosed) SetWriteDeadline(time.Time) error { return nil }

// FuzzRequest sends any bytes to the control socket. What comes back is answers of HTTP,
// nothing is changed by less than a whole POST, and the connection ends.
func FuzzRequest(base *testing.F) {
	f := testutil.Fuzz(base)
	for _, text := range []string{
		"GET /status HTTP/1.1\r\nHost: x\r\n\r\n", "GET /metrics HTTP/1.0\r\n\r\n", "POST /reload HTTP/1.1\r\nHost: x\r\nAvaild-Invocation: 1\r\nAvaild-Directory: %2Fx\x1b\r\n\r\n",
		"POST /reload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "PUT //status HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n",
		"\x16\x03\x01\x00\xa5", "GET " + strings.Repeat("/", 9000), "HEAD http://[::1/ HTTP/1.1\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, request []byte) {
		synctest.Test(t, func(t *testing.T) { answerRequest(t, request) }) // the server waits before it closes
	})
}

// answerRequest looks at what one connection brings about.
func answerRequest(t *testing.T, request []byte) {
	var changed atomic.Int64
	server := NewServer(Service{
		Status:  func(context.Context) (status.Service, error) { return status.Service{Name: "web"}, nil },
		Past:    func(context.Context) (history.Document, error) { return history.Document{}, nil },
		Set:     func(context.Context, string) (Change, error) { changed.Add(1); return Change{}, nil },
		Reload:  func(context.Context) (int, error) { changed.Add(1); return 1, nil },
		Upgrade: func(context.Context) error { changed.Add(1); return io.EOF },
	})
	peer := &halfClosed{said: bytes.NewReader(request), closed: make(chan struct{})}
	l := oneListener{conns: make(chan net.Conn, 1)}
	l.conns <- peer
	close(l.conns)
	server.ServeControl(l)
	select {
	case <-peer.closed:
	case <-time.After(30 * time.Second):
		t.Fatalf("%q does not end", request)
	}
	answers := peer.answers.Bytes()
	if len(answers) > 0 && !bytes.HasPrefix(answers, []byte("HTTP/1.")) {
		t.Fatalf("%q is no answer", answers)
	}
	time.Sleep(time.Minute) // what it has asked for is over
	if changed.Load() != 0 && !bytes.Contains(request, []byte("POST ")) {
		t.Fatalf("%q has changed something", request)
	}
}
