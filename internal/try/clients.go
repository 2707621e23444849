package try

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"time"
)

// client is a kind of client: what it says, in two halves, so that a signal can come in
// between.
type client struct {
	name        string
	first, rest string
	// answers reports whether what came back is an answer.
	answers func(text string) bool
}

// clients of a listening socket, in the order in which they are tried.
var (
	httpClient = client{"HTTP", "GET / HTTP/1.0\r\nHost: localhost\r\n", "\r\n", func(text string) bool { return strings.HasPrefix(text, "HTTP/") }}
	lineClient = client{"a line", "hel", "lo\r\n", func(text string) bool { return text != "" }}
)

// fastcgi is a client of FastCGI that asks for a script.
func fastcgi(script string) client {
	return client{"FastCGI", fastcgiRequest(script), "", func(text string) bool {
		return len(text) >= 8 && text[0] == 1 && (text[1] == 6 || text[1] == 7 || text[1] == 3)
	}}
}

// fastcgiRequest is a whole request: its begin, its parameters, and an empty input.
func fastcgiRequest(script string) string {
	var params strings.Builder
	for _, p := range [][2]string{
		{"GATEWAY_INTERFACE", "CGI/1.1"},
		{"REQUEST_METHOD", "GET"},
		{"SERVER_PROTOCOL", "HTTP/1.0"},
		{"SERVER_SOFTWARE", "availd"},
		{"SCRIPT_FILENAME", script},
		{"SCRIPT_NAME", "/try"},
		{"REQUEST_URI", "/try"},
		{"QUERY_STRING", ""},
		{"REMOTE_ADDR", "127.0.0.1"},
		{"SERVER_NAME", "localhost"},
		{"SERVER_PORT", "80"},
		{"REDIRECT_STATUS", "200"},
	} {
		params.WriteByte(byte(len(p[0])))
		if len(p[1]) < 128 {
			params.WriteByte(byte(len(p[1])))
		} else {
			params.Write(binary.BigEndian.AppendUint32(nil, uint32(len(p[1]))|1<<31))
		}
		params.WriteString(p[0] + p[1])
	}
	record := func(kind byte, content string) string {
		n := len(content)
		return string([]byte{1, kind, 0, 1, byte(n >> 8), byte(n), 0, 0}) + content
	}
	return record(1, "\x00\x01\x00\x00\x00\x00\x00\x00") + record(4, params.String()) + record(4, "") + record(5, "")
}

// mostRead bounds an answer.
const mostRead = 64 << 10

// read is what comes on a connection until it ends, until there is nothing for so long, or
// until enough says that it is enough.
func read(c net.Conn, patience time.Duration, enough func(string) bool) (text string, ended bool) {
	var b strings.Builder
	buf := make([]byte, 4096)
	for b.Len() < mostRead {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		n, err := c.Read(buf)
		b.Write(buf[:n])
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			return b.String(), false
		case err != nil:
			return b.String(), true
		case enough != nil && enough(b.String()):
			return b.String(), false
		}
	}
	return b.String(), false
}

// request is one client from its connect to its answer.
func request(network, address string, k client, patience time.Duration) (answered bool, took time.Duration, err error) {
	began := time.Now()
	c, err := net.DialTimeout(network, address, patience)
	if err != nil {
		return false, 0, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c, k.first+k.rest); err != nil {
		return false, 0, err
	}
	text, _ := read(c, patience, k.answers)
	if !k.answers(text) {
		return false, 0, errNoAnswer
	}
	return true, time.Since(began), nil
}

// firstLine of a text, printable as far as it goes.
func firstLine(text string) string {
	line, _ := bufio.NewReader(strings.NewReader(text)).ReadString('\n')
	line = strings.TrimSpace(line)
	if len(line) > 80 {
		line = line[:80] + "…"
	}
	return line
}
