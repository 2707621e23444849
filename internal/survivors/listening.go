package survivors

import (
	"os"
	"strconv"
	"strings"
)

// Listening returns the inode numbers of the sockets that listen on addresses of --listen,
// by what /proc/net tells of this network namespace: on any address with that port, or on
// that path or name.
func Listening(addresses []string) map[uint64]bool {
	inodes := map[uint64]bool{}
	add := func(text string) {
		if inode, err := strconv.ParseUint(text, 10, 64); err == nil {
			inodes[inode] = true
		}
	}
	for _, address := range addresses {
		if address[0] == '/' || address[0] == '@' {
			each("/proc/net/unix", func(f []string) {
				if len(f) >= 8 && f[7] == address && f[3] == "00010000" { // __SO_ACCEPTCON
					add(f[6])
				}
			})
			continue
		}
		port, err := strconv.Atoi(address[strings.LastIndex(address, ":")+1:])
		if err != nil {
			continue
		}
		for _, name := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
			each(name, func(f []string) {
				const listen = "0A"
				if len(f) < 10 || f[3] != listen {
					return
				}
				_, hex, _ := strings.Cut(f[1], ":")
				if n, err := strconv.ParseInt(hex, 16, 32); err == nil && int(n) == port {
					add(f[9])
				}
			})
		}
	}
	return inodes
}

// each visits the fields of the lines of a file.
func each(name string, visit func(fields []string)) {
	data, err := os.ReadFile(name)
	if err != nil {
		return
	}
	for line := range strings.Lines(string(data)) {
		visit(strings.Fields(line))
	}
}
