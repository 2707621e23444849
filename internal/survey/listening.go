package survey

import (
	"encoding/hex"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/check"
	"github.com/availd/availd/internal/procfs"
)

// listener is a listening socket of this network namespace.
type listener struct {
	tcp   netip.AddrPort // of a TCP socket
	path  string         // of a Unix one, with an @ before an abstract name
	inode uint64
}

func (l listener) String() string {
	if l.path != "" {
		return l.path
	}
	return l.tcp.String()
}

// listeners reads the kernel's tables (proc_net(5)).
func listeners() (all []listener) {
	for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(name) // without IPv6 there is no second one
		for line := range strings.Lines(string(text)) {
			words := strings.Fields(line)
			if len(words) < 10 || words[3] != "0A" { // TCP_LISTEN
				continue
			}
			address, ok := hexAddress(words[1])
			inode, err := strconv.ParseUint(words[9], 10, 64)
			if ok && err == nil {
				all = append(all, listener{tcp: address, inode: inode})
			}
		}
	}
	text, _ := os.ReadFile("/proc/net/unix")
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) < 8 || words[3] != "00010000" { // __SO_ACCEPTCON
			continue
		}
		if inode, err := strconv.ParseUint(words[6], 10, 64); err == nil {
			all = append(all, listener{path: words[7], inode: inode})
		}
	}
	return all
}

// hexAddress reads an address of those tables: each word of 32 bits in the order of the
// machine, which is little-endian wherever availd runs.
func hexAddress(text string) (a netip.AddrPort, ok bool) {
	host, port, _ := strings.Cut(text, ":")
	b, err := hex.DecodeString(host)
	n, err2 := strconv.ParseUint(port, 16, 16)
	if err != nil || err2 != nil || len(b) != 4 && len(b) != 16 {
		return a, false
	}
	for i := 0; i < len(b); i += 4 {
		slices.Reverse(b[i : i+4])
	}
	ip, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(ip, uint16(n)), ok
}

// holderOf is who listens where a socket unit wants to, nil = nobody does.
func holderOf(address string) *check.Holder {
	for _, l := range listeners() {
		if !l.takes(address) {
			continue
		}
		h := &check.Holder{Address: address}
		if h.PID = holding(l.inode); h.PID > 0 {
			if h.Command = strings.Join(procfs.Arguments(h.PID), " "); h.Command == "" {
				h.Command = procfs.Program(h.PID)
			}
		}
		return h
	}
	return nil
}

// takes reports whether a socket there keeps another one from an address as units write
// it: a port, an address and a port, a path, or @ and a name.
func (l listener) takes(address string) bool {
	if strings.HasPrefix(address, "/") || strings.HasPrefix(address, "@") {
		return l.path == address
	}
	if l.path != "" {
		return false
	}
	if port, err := strconv.ParseUint(address, 10, 16); err == nil {
		return l.tcp.Port() == uint16(port)
	}
	a, err := netip.ParseAddrPort(address)
	if err != nil || a.Port() != l.tcp.Port() {
		return false
	}
	mine, theirs := a.Addr().Unmap(), l.tcp.Addr().Unmap()
	all := func(x netip.Addr) bool { return x.IsUnspecified() }
	return mine == theirs || all(theirs) && (theirs.Is6() || mine.Is4()) || all(mine) && (mine.Is6() || theirs.Is4())
}

// holding is a process that has a socket open, 0 if none is to be seen.
func holding(inode uint64) int {
	for _, pid := range procfs.Processes() {
		if pid == 1 { // systemd keeps the sockets of all units
			continue
		}
		for file, err := range procfs.Files(pid, 0, maxFiles) {
			if err != nil {
				break
			}
			if i, is := file.Socket(); is && i == inode {
				return pid
			}
		}
	}
	return 0
}
