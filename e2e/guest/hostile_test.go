//go:build e2e

package guest

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/availd/availd/e2e/guest/harness"
)

// TestHostileReaders: a crowd at the status socket and at the agent's, which says
// nothing, or half a request, or rubbish, or reads no answer. The pool does not
// feel it, the administrator is not shut out, and when the crowd is gone the next
// one is served.
func TestHostileReaders(t *testing.T) {
	t.Parallel()
	monitoring, agent := harness.Addr(harness.Port()), harness.Addr(harness.Port())
	s := pool{
		name: "hostile", options: []string{"--limit=4", "--status-listen=" + monitoring, "--agent-listen=" + agent},
	}.install(t, own("status"), own("agent"))
	s.get("/")
	var crowd []net.Conn
	for i := range 100 {
		for _, addr := range []string{monitoring, agent} {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			crowd = append(crowd, c)
			says := []string{"", "GET /metrics HTTP/1.1\r\nHost", "\x16\x03\x01rubbish\r\n\r\n", strings.Repeat("GET /status HTTP/1.1\r\nHost: a\r\n\r\n", 50)}
			_, _ = io.WriteString(c, says[i%len(says)]) // its answer may be a closed connection
		}
	}
	requests(t, s.load(8, "/sleep?2"), 400)
	if state := s.state(); state.Counters.BadStarts != 0 || state.Counters.RejectedReports != 0 {
		t.Errorf("%+v", state.Counters)
	}
	harness.MustRun(t, harness.Availd, "reload", s.Name)
	for _, c := range crowd {
		c.Close()
	}
	if text := harness.MustRun(t, "curl", "-sS", "http://"+monitoring+"/metrics"); !strings.Contains(text, "availd_requests_total") {
		t.Errorf("after the crowd: %s", text)
	}
	if line := harness.MustRun(t, "curl", "-sS", "telnet://"+agent); !strings.HasPrefix(line, "ready up ") {
		t.Errorf("after the crowd the agent says %q", line)
	}
}
