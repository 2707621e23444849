package control

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/availd/availd/internal/status"
)

func TestMetrics(t *testing.T) {
	s := status.Service{Name: "web", Limit: 4}
	path := serving(t, fixed(s), false, patience)
	text, err := Client{path}.Metrics(t.Context())
	if err != nil || !bytes.Equal(text, status.Metrics(&s)) {
		t.Errorf("error %v and\n%s", err, text)
	}
}

// TestWhatThereIs: whoever asks for something else is told.
func TestWhatThereIs(t *testing.T) {
	for _, c := range []struct {
		request   string
		mayChange bool
		says      string
		allow     string
	}{
		{"GET /", false, "not found; this socket has GET / (for browsers), GET /history, GET /metrics, GET /status\n", ""},
		{"POST /reload", false, "not found; this socket has GET / (for browsers), GET /history, GET /metrics, GET /status\n", ""},
		{"POST /status", true, "method not allowed; this socket has GET / (for browsers), GET /history, GET /metrics, POST /reload, POST /set, GET /status, POST /upgrade\n", "GET"},
		{"GET /reload", true, "method not allowed; this socket has GET / (for browsers), GET /history, GET /metrics, POST /reload, POST /set, GET /status, POST /upgrade\n", "POST"},
	} {
		conn := dial(t, serving(t, fixed(status.Service{}), c.mayChange, patience))
		ask(t, conn, c.request)
		resp := answerOf(t, conn)
		text, err := io.ReadAll(resp.Body)
		if err != nil || string(text) != c.says || resp.Header.Get("Allow") != c.allow {
			t.Errorf("%s: %q, Allow %q, error %v", c.request, text, resp.Header.Get("Allow"), err)
		}
	}
}

// TestGarbage of every kind ends with an answer or a closed connection, and the
// next one is served.
func TestGarbage(t *testing.T) {
	path := serving(t, fixed(status.Service{}), true, patience)
	for _, says := range []string{
		"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "\x00\x00\x00\x00\r\n\r\n", "GET /status HTTP/9.9\r\n\r\n",
		"GET /status HTTP/1.1\r\n\r\n", // without Host
		"GET /status HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"GET /status HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: what\r\n\r\n",
		"GET /status HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 3*maxHead) + "\r\n\r\n",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		conn := dial(t, path)
		_, _ = io.WriteString(conn, says)
		_ = conn.(interface{ CloseWrite() error }).CloseWrite()
		if text, _ := io.ReadAll(conn); bytes.Contains(text, []byte(" 200 ")) {
			t.Errorf("%.30q is answered with %.100q", says, text)
		}
	}
	if _, err := (Client{path}).Status(t.Context()); err != nil {
		t.Errorf("after all that: %v", err)
	}
}

// TestPipeline: requests in one write are answered in their order.
func TestPipeline(t *testing.T) {
	conn := dial(t, serving(t, fixed(status.Service{}), false, patience))
	ask(t, conn, strings.Repeat("GET /status HTTP/1.1\r\nHost: availd\r\n\r\n", 20)+"GET /last")
	all := reader(conn)
	for i := range 21 {
		resp, err := http.ReadResponse(all, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		if want := map[bool]int{true: 404, false: 200}[i == 20]; resp.StatusCode != want {
			t.Errorf("answer %d is %d", i, resp.StatusCode)
		}
	}
}
