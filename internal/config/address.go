package config

import (
	"errors"
	"net"
	"strings"
	"unicode/utf8"
)

const (
	acceptsName   = "1 to 255 letters, digits and :-_.@\\ that do not start with - or ."
	acceptsListen = "port, host:port (port 0 to 65535, an IPv6 address in brackets), /path or @abstract of at most 107 bytes"
	acceptsUnix   = "an absolute path or @abstract name of at most 107 bytes"
	acceptsPath   = "an absolute path of at most 107 bytes"
)

// sunPath is the longest path or abstract name of a Unix socket: sun_path has
// 108 bytes, one of which is the NUL at a path's end or before an abstract
// name; see unix(7). The @ stands for the latter and does not count.
const sunPath = 107

var errEmpty = errors.New("empty, leave the option out for its default")

// checkPlain refuses what no path, name or address of ours contains. The text
// ends in logs, status lines and metrics.
func checkPlain(value string) error {
	switch {
	case value == "":
		return errEmpty
	case !utf8.ValidString(value):
		return errors.New("not UTF-8")
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return errors.New("control character")
	}
	return nil
}

// checkName takes what systemd.unit(5) allows in the name of a unit: the name
// is also a directory below /run/availd.
func checkName(value string) error {
	if err := checkPlain(value); err != nil {
		return err
	}
	if len(value) > 255 {
		return errors.New("too long")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return !nameRune(r) }) {
		return errors.New("not a name")
	}
	if value[0] == '-' || value[0] == '.' {
		return errors.New("not a name")
	}
	return nil
}

func nameRune(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' ||
		strings.ContainsRune(`:-_.@\`, r)
}

func checkListen(value string) error {
	if err := checkPlain(value); err != nil {
		return err
	}
	if value[0] == '/' || value[0] == '@' {
		return checkUnix(value)
	}
	if digits(value) {
		value = ":" + value
	}
	host, port, err := net.SplitHostPort(value)
	if err != nil {
		return errors.New("not an address")
	}
	if strings.ContainsAny(host, "/@ \t") {
		return errors.New("not a host name")
	}
	if _, err := parseNumber(port, 0, 65535); err != nil {
		return errors.New("bad port")
	}
	return nil
}

func checkUnix(value string) error {
	if !strings.HasPrefix(value, "@") {
		return checkPath(value)
	}
	if err := checkPlain(value); err != nil {
		return err
	}
	switch name := value[1:]; {
	case name == "":
		return errors.New("no name after the @")
	case len(name) > sunPath:
		return errors.New("too long")
	}
	return nil
}

func checkPath(value string) error {
	if err := checkPlain(value); err != nil {
		return err
	}
	switch {
	case value[0] != '/':
		return errors.New("not an absolute path")
	case strings.HasSuffix(value, "/"):
		return errors.New("a directory, not a socket")
	case len(value) > sunPath:
		return errors.New("too long")
	}
	return nil
}
