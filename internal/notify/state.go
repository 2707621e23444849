package notify

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxState is the longest message PID 1 takes (NOTIFY_BUFFER_MAX of systemd,
// PIPE_BUF); it ignores longer ones as a whole.
const maxState = 4096

// ErrInvalid says that a state is not one to be sent: too long, with a line
// that is not NAME=value, a name availd has no business with or has said
// already, a control character, or a line after STATUS=. The last rules keep
// a newline in some text from becoming a line of its own: the texts are
// workers' and operators', and READY=1 or MAINPID= would be believed.
var ErrInvalid = errors.New("notify: invalid state")

// known are the names availd says.
var known = []string{
	"READY", "RELOADING", "STOPPING", "MONOTONIC_USEC", "STATUS", "ERRNO", "EXIT_STATUS",
	"WATCHDOG", "WATCHDOG_USEC", "EXTEND_TIMEOUT_USEC",
	"FDSTORE", "FDSTOREREMOVE", "FDNAME", "FDPOLL", "BARRIER",
}

type names []string

func (n names) has(name string) bool { return slices.Contains(n, name) }

// check returns the names of a state that may be sent.
func check(state string) (names, error) {
	if len(state) > maxState {
		return nil, fmt.Errorf("%w: %d bytes are more than %d", ErrInvalid, len(state), maxState)
	}
	if !utf8.ValidString(state) {
		return nil, fmt.Errorf("%w: %q is not UTF-8", ErrInvalid, state)
	}
	var said names
	for line := range strings.SplitSeq(strings.TrimSuffix(state, "\n"), "\n") {
		name, value, ok := strings.Cut(line, "=")
		switch {
		case !ok || !slices.Contains(known, name):
			return nil, fmt.Errorf("%w: unknown line %q", ErrInvalid, line)
		case said.has(name):
			return nil, fmt.Errorf("%w: %s= twice", ErrInvalid, name)
		case said.has("STATUS"):
			return nil, fmt.Errorf("%w: %q after STATUS=", ErrInvalid, line)
		case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
			return nil, fmt.Errorf("%w: control character in %q", ErrInvalid, line)
		}
		said = append(said, name)
	}
	return said, nil
}
