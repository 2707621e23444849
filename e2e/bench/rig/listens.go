package rig

import (
	"fmt"
	"os"
	"strings"
)

// Listens reports whether somebody listens on the port of 127.0.0.1 or of all
// addresses: column 3 of /proc/net/tcp is the state, 0A is LISTEN, proc(5).
func Listens(port int) bool {
	table, _ := os.ReadFile("/proc/net/tcp")
	for line := range strings.Lines(string(table)) {
		fields := strings.Fields(line)
		if len(fields) > 3 && fields[3] == "0A" && strings.HasSuffix(fields[1], fmt.Sprintf(":%04X", port)) {
			return true
		}
	}
	return false
}
