package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// The values of Config.RetireSignal that are no signal.
const (
	RetireQuiesce = "quiesce" // end the worker once it holds no connection
	RetireNone    = "none"    // do not ask; it leaves by itself or not at all
)

const acceptsSignal = "a signal such as TERM, USR1 or RTMIN+3, or quiesce or none"

// The real-time signals as glibc numbers them: the kernel's start at 32, of
// which the C library keeps two; see signal(7).
const (
	rtMin = 34
	rtMax = 64
)

// parseRetireSignal returns the canonical form of a value of --retire-signal:
// quiesce, none, or the name of a signal without SIG, real-time signals as
// RTMIN+n. Names are taken with and without SIG and in either case, and
// numbers from 1 to 64 by this machine's numbering. KILL, STOP and CONT are
// refused: the first leaves a worker no time to finish, the others do not ask
// it to.
func parseRetireSignal(value string) (string, error) {
	if value == "" {
		return "", errEmpty
	}
	if value == RetireQuiesce || value == RetireNone {
		return value, nil
	}
	number, err := signalNumber(value)
	if err != nil {
		return "", err
	}
	switch number {
	case unix.SIGKILL:
		return "", errors.New("KILL lets no worker finish its job; --retire-timeout kills those that do not leave")
	case unix.SIGSTOP, unix.SIGCONT:
		return "", errors.New("STOP and CONT do not ask a worker to leave; quiesce ends one that holds no connection")
	}
	return signalName(number), nil
}

// signalNumber reads a signal's name or number.
func signalNumber(value string) (unix.Signal, error) {
	if digits(value) {
		n, err := parseNumber(value, 1, rtMax)
		if err == nil && signalName(unix.Signal(n)) == "" {
			err = errors.New("reserved by the C library")
		}
		return unix.Signal(n), err
	}
	name := strings.TrimPrefix(strings.ToUpper(value), "SIG")
	if n, found, err := realTime(name); found {
		return n, err
	}
	if n := unix.SignalNum("SIG" + name); n != 0 {
		return n, nil
	}
	return 0, errors.New("unknown signal")
}

// realTime reads RTMIN, RTMIN+n, RTMAX and RTMAX-n; found reports whether name
// is one of these.
func realTime(name string) (n unix.Signal, found bool, err error) {
	base, sign, away := rtMin, "+", 1
	rest, found := strings.CutPrefix(name, "RTMIN")
	if !found {
		base, sign, away = rtMax, "-", -1
		rest, found = strings.CutPrefix(name, "RTMAX")
	}
	if !found || rest == "" {
		return unix.Signal(base), found, nil
	}
	offset, signed := strings.CutPrefix(rest, sign)
	i, err := parseNumber(offset, 0, rtMax-rtMin)
	if !signed || err != nil {
		return 0, true, fmt.Errorf("real-time signals are RTMIN to RTMIN+%d", rtMax-rtMin)
	}
	return unix.Signal(base + away*i), true, nil
}

// signalName is the inverse of signalNumber, "" for numbers that have no name.
func signalName(n unix.Signal) string {
	switch {
	case n == rtMin:
		return "RTMIN"
	case n > rtMin && n <= rtMax:
		return "RTMIN+" + strconv.Itoa(int(n)-rtMin)
	}
	return strings.TrimPrefix(unix.SignalName(n), "SIG")
}

// Retire returns how workers are asked to retire, with the protocol's default
// filled in: quiesce, none, or the name of a signal. "" means that the status channel is
// shut down instead.
func (c Config) Retire() string {
	if c.RetireSignal != "" {
		return c.RetireSignal
	}
	return c.Protocol.Retire
}

// Signal returns the signal that asks a worker to leave, and false when the
// way to ask is not a signal; Retire then says what it is.
func (c Config) Signal() (unix.Signal, bool) {
	switch how := c.Retire(); how {
	case "", RetireQuiesce, RetireNone:
		return 0, false
	default:
		n, err := signalNumber(how)
		return n, err == nil
	}
}
