package cli

import (
	"fmt"
	"log/syslog"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/prose"
)

// journalSocket is where journald takes messages (systemd.journal-fields(7)).
const journalSocket = "/run/systemd/journal/socket"

// mistakeLog is where a generator says what is wrong. systemd waits for it, and journald
// may wait for systemd: so a message is sent without waiting, or goes to the log of the
// kernel, which journald reads when it can. Started by hand it has a standard error.
func mistakeLog() func(mistake) {
	if os.Getenv("SYSTEMD_SCOPE") == "" {
		return func(m mistake) { fmt.Fprintln(os.Stderr, generatorName+": "+prose.Printable(m.err.Error())) }
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	return func(m mistake) {
		if err == nil && unix.Sendto(fd, journalEntry(m), 0, &unix.SockaddrUnix{Name: journalSocket}) == nil {
			return
		}
		kernel, err := os.OpenFile("/dev/kmsg", os.O_WRONLY|unix.O_NONBLOCK|unix.O_NOCTTY, 0)
		if err != nil {
			return // there is no log
		}
		defer kernel.Close()
		fmt.Fprintf(kernel, "<%d>%s: %s\n", syslog.LOG_DAEMON|syslog.LOG_ERR, generatorName, prose.Printable(m.err.Error()))
	}
}

// journalEntry is a message in journald's format, with the fields by which it is among
// those of the service (journalctl -u) and in which systemd itself names a place.
func journalEntry(m mistake) []byte {
	var b strings.Builder
	for _, f := range [][2]string{
		{"MESSAGE", m.err.Error()},
		{"PRIORITY", strconv.Itoa(int(syslog.LOG_ERR))},
		{"SYSLOG_IDENTIFIER", generatorName},
		{"OBJECT_SYSTEMD_UNIT", m.service + ".service"},
		{"AVAILD_SERVICE", m.service},
		{"CONFIG_FILE", m.err.File},
		{"CONFIG_LINE", strconv.Itoa(m.err.Line)},
	} {
		b.WriteString(f[0] + "=" + prose.Printable(f[1]) + "\n") // one line: another one would be a field
	}
	return []byte(b.String())
}
