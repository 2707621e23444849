package spawn

import (
	"slices"
	"strconv"
	"strings"

	"github.com/availd/availd/worker"
)

// reserved are the variables that were meant for availd, as the contracts define them by
// name: sd_listen_fds(3), sd_notify(3) and the descriptor store, sd_watchdog_enabled(3),
// and memory pressure (systemd 254). Others that begin like these, such as LISTEN_ADDR,
// are the application's.
var reserved = []string{
	"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID", "NOTIFY_SOCKET", "FDSTORE", "MAINPID", "MAINPIDFDID",
	"WATCHDOG_USEC", "WATCHDOG_PID", "MEMORY_PRESSURE_WATCH", "MEMORY_PRESSURE_WRITE",
}

// ownPrefix is that of the variables of availd's own contract, and of no others.
const ownPrefix = "AVAILD_"

func isReserved(name string) bool {
	return strings.HasPrefix(name, ownPrefix) || slices.Contains(reserved, name)
}

// names reports whether one of the variables is called name.
func names(variables []string, name string) bool {
	for _, v := range variables {
		if own, _, _ := strings.Cut(v, "="); own == name {
			return true
		}
	}
	return false
}

// inherit leaves out what was meant for availd.
func (c *Command) inherit() {
	c.inherited = make([]string, 0, len(c.Environ))
	for _, v := range c.Environ {
		if name, _, _ := strings.Cut(v, "="); !isReserved(name) {
			c.inherited = append(c.inherited, v)
		}
	}
}

// environ is the worker's environment, but for its pid.
func (c *Command) environ(generation uint64, stress bool, h Handover) []string {
	if c.inherited == nil {
		c.inherit()
	}
	env := make([]string, 0, len(c.inherited)+len(h.Env)+2)
	for _, v := range c.inherited {
		if name, _, _ := strings.Cut(v, "="); !names(h.Env, name) {
			env = append(env, v)
		}
	}
	for _, v := range h.Env {
		if strings.Contains(v, "=") {
			env = append(env, v)
		}
	}
	return append(env,
		worker.EnvStress+"="+yes(stress),
		worker.EnvGeneration+"="+strconv.FormatUint(generation, 10))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
