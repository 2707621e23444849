package config

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/protocol"
)

func TestParseRetireSignal(t *testing.T) {
	for _, tt := range []struct {
		in, want string
		number   unix.Signal
	}{
		{"TERM", "TERM", unix.SIGTERM},
		{"SIGTERM", "TERM", unix.SIGTERM},
		{"sigterm", "TERM", unix.SIGTERM},
		{"15", "TERM", 15},
		{"1", "HUP", 1},
		{"QUIT", "QUIT", unix.SIGQUIT},
		{"SIGUSR2", "USR2", unix.SIGUSR2},
		{"RTMIN", "RTMIN", 34},
		{"SIGRTMIN+0", "RTMIN", 34},
		{"34", "RTMIN", 34},
		{"rtmin+3", "RTMIN+3", 37},
		{"RTMIN+30", "RTMIN+30", 64},
		{"RTMAX", "RTMIN+30", 64},
		{"RTMAX-30", "RTMIN", 34},
		{"64", "RTMIN+30", 64},
	} {
		got, err := parseRetireSignal(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("parseRetireSignal(%q) = %q, %v; want %q", tt.in, got, err, tt.want)
			continue
		}
		if n, ok := (Config{RetireSignal: got}).Signal(); n != tt.number || !ok {
			t.Errorf("%q is signal %d, %v; want %d", got, n, ok, tt.number)
		}
	}
}

func TestParseRetireSignalRefuses(t *testing.T) {
	const (
		killHint = "KILL lets no worker finish its job; --retire-timeout kills those that do not leave"
		stopHint = "STOP and CONT do not ask a worker to leave; quiesce ends one that holds no connection"
		realTime = "real-time signals are RTMIN to RTMIN+30"
	)
	for in, want := range map[string]string{
		"KILL": killHint, "SIGKILL": killHint, "9": killHint,
		"STOP": stopHint, "19": stopHint, "CONT": stopHint, "18": stopHint,
		"0": "too small", "65": "too large", "015": "leading zero, write 15",
		"32": "reserved by the C library", "33": "reserved by the C library",
		"-1": "unknown signal", "TERMINATE": "unknown signal", "SIG": "unknown signal", "SIGSIGTERM": "unknown signal",
		" TERM": "unknown signal", "Quiesce": "unknown signal",
		"RTMIN+31": realTime, "RTMIN-1": realTime, "RTMAX+1": realTime, "RTMAX-31": realTime, "RTMIN+": realTime, "RTMIN3": realTime,
	} {
		if got, err := parseRetireSignal(in); err == nil || err.Error() != want || got != "" {
			t.Errorf("parseRetireSignal(%q) = %q, %v; want error %q", in, got, err, want)
		}
	}
}

// Without --retire-signal it is the protocol that decides.
func TestRetireByProtocol(t *testing.T) {
	for p, want := range map[*protocol.Protocol]string{
		protocol.Auto: "TERM", protocol.Notify: "TERM", protocol.Inetd: "TERM",
		protocol.Queue: "quiesce", protocol.FastCGI: "quiesce", protocol.Postfix: "",
	} {
		c := Config{Protocol: p}
		if n, ok := c.Signal(); c.Retire() != want || ok != (want == "TERM") || ok && n != unix.SIGTERM {
			t.Errorf("%s: %q, signal %d, %v", p, c.Retire(), n, ok)
		}
		c.RetireSignal = "USR1"
		if n, ok := c.Signal(); !ok || n != unix.SIGUSR1 {
			t.Errorf("%s with USR1: %d, %v", p, n, ok)
		}
		c.RetireSignal = RetireNone
		if _, ok := c.Signal(); ok || c.Retire() != RetireNone {
			t.Errorf("%s with none has a signal", p)
		}
	}
}
