package units

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/availd/availd/internal/prose"
)

// pathLength is the longest path of a socket (unix(7), sun_path).
const pathLength = 107

// CheckListen reports why systemd cannot listen on an address.
func CheckListen(address string) error {
	_, err := listenStream(address)
	return err
}

// listenStream translates an address into the value of a ListenStream= line
// (systemd.socket(5)).
func listenStream(address string) (string, error) {
	if strings.ContainsFunc(address, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
		return "", fmt.Errorf("listen on %q: white space and control characters are not for addresses", address)
	}
	if !utf8.ValidString(address) || strings.HasSuffix(address, `\`) {
		return "", fmt.Errorf("listen on %q: systemd reads units as UTF-8, and a backslash at the end of a line joins the next one to it; take another name", address)
	}
	switch {
	case strings.HasPrefix(address, "/"), strings.HasPrefix(address, "@"):
		return local(address)
	case strings.HasPrefix(address, ":"), strings.HasPrefix(address, "*:"):
		return port(address, address[strings.IndexByte(address, ':')+1:])
	case !strings.Contains(address, ":"):
		return port(address, address)
	}
	if a, err := netip.ParseAddrPort(address); err == nil && a.Port() != 0 {
		if a.Addr().Is4In6() { // an address of IPv4, which a socket of IPv6 alone cannot have
			return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()).String(), nil
		}
		return escapeSpecifiers(address), nil
	}
	host, tail, _ := cutLast(address, ":")
	if _, err := port(address, tail); err != nil {
		return "", err
	}
	return "", fmt.Errorf("listen on %q: %q is not an IP address, and systemd looks up no names; try 127.0.0.1:%s for this host only, [::1]:%s, or :%s for all addresses",
		address, host, tail, tail, tail)
}

// local checks the path or abstract name of a Unix socket.
func local(address string) (string, error) {
	switch {
	case len(address) < 2:
		return "", fmt.Errorf("listen on %q: the name is missing", address)
	case len(address) > pathLength:
		return "", fmt.Errorf("listen on %q: %d bytes, a socket's name has at most %d", address, len(address), pathLength)
	case address[0] == '/' && filepath.Clean(address) != address:
		return "", fmt.Errorf("listen on %q: want the shortest form, %s", address, prose.Printable(filepath.Clean(address)))
	}
	return escapeSpecifiers(address), nil
}

func port(address, text string) (string, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return "", fmt.Errorf("listen on %q: want a port from 1 to 65535, ADDRESS:PORT, a path, or @NAME", address)
	}
	return strconv.FormatUint(n, 10), nil
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}
