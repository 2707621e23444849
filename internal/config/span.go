package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// infinity is the time span "infinity". It is no length to calculate with.
const infinity time.Duration = math.MaxInt64

// Units longer than an hour, as systemd.time(7) defines them: a month is
// 30.4375 days and a year 365.25 days.
const (
	day   = 24 * time.Hour
	week  = 7 * day
	month = 2629800 * time.Second
	year  = 12 * month
)

// spanMax is the longest text that is read as a span.
const spanMax = 256

var errTooLong = errors.New("too long")

// ParseSpan reads a time span of systemd.time(7), as the options take it.
func ParseSpan(s string) (time.Duration, error) { return parseSpan(s) }

// parseSpan reads a time span of systemd.time(7): numbers with units, in any
// order and number, added up, or the word infinity. A number without a unit
// is seconds. Fractions finer than a nanosecond are cut off. Signs are
// refused, and spans of 292 years and more.
func parseSpan(s string) (time.Duration, error) {
	if len(s) > spanMax {
		return 0, errTooLong
	}
	rest := strings.TrimLeft(s, blanks)
	switch strings.TrimRight(rest, blanks) {
	case "":
		return 0, errEmpty
	case "infinity":
		return infinity, nil
	}
	var total time.Duration
	for rest != "" {
		part, tail, err := parsePart(rest)
		if err != nil {
			return 0, err
		}
		if part >= infinity-total { // equality is infinity itself
			return 0, errTooLong
		}
		total += part
		rest = strings.TrimLeft(tail, blanks)
	}
	return total, nil
}

const blanks = " \t\n\r"

// parsePart reads one number with its unit from the start of s, which is not
// empty and does not start with a blank.
func parsePart(s string) (d time.Duration, tail string, err error) {
	whole, tail := cutDigits(s)
	fraction, point := "", false
	if tail, point = strings.CutPrefix(tail, "."); point {
		fraction, tail = cutDigits(tail)
		if fraction == "" {
			return 0, "", errors.New("no digits after the point")
		}
	}
	if whole == "" && fraction == "" {
		return 0, "", notANumber(s)
	}
	if tail != "" && tail[0] == '.' {
		return 0, "", errors.New("two points in a number")
	}
	unit, tail, err := cutUnit(strings.TrimLeft(tail, blanks))
	if err != nil {
		return 0, "", err
	}
	d, err = scale(whole, fraction, unit)
	return d, tail, err
}

func notANumber(s string) error {
	switch s[0] {
	case '-':
		return errors.New("negative")
	case '+':
		return errors.New("sign before a number")
	}
	return errors.New("not a time span")
}

// scale returns whole.fraction times unit. Every unit is a product of tens and
// a small number, so that dividing it digit by digit loses nothing before the
// nanoseconds.
func scale(whole, fraction string, unit time.Duration) (time.Duration, error) {
	var n int64
	if whole != "" {
		var err error
		n, err = strconv.ParseInt(whole, 10, 64)
		if err != nil || n > int64(math.MaxInt64/unit) {
			return 0, errTooLong
		}
	}
	d := time.Duration(n) * unit
	for _, digit := range []byte(fraction) {
		unit /= 10
		more := time.Duration(digit-'0') * unit
		if more > math.MaxInt64-d {
			return 0, errTooLong
		}
		d += more
	}
	return d, nil
}

func cutDigits(s string) (digits, tail string) {
	tail = strings.TrimLeft(s, "0123456789")
	return s[:len(s)-len(tail)], tail
}

// cutUnit reads the unit at the start of s, which are all its letters.
func cutUnit(s string) (unit time.Duration, tail string, err error) {
	tail = strings.TrimLeftFunc(s, unicode.IsLetter)
	name := s[:len(s)-len(tail)]
	unit, ok := unitOf(name)
	if !ok {
		return 0, "", fmt.Errorf("unknown unit %s", quote(name))
	}
	return unit, tail, nil
}

// unitOf knows all spellings of systemd.time(7); "" is seconds. It tells m,
// minutes, from M, months.
func unitOf(name string) (time.Duration, bool) {
	switch name {
	case "usec", "us", "\u03bcs", "\u00b5s": // Greek mu and the micro sign
		return time.Microsecond, true
	case "msec", "ms":
		return time.Millisecond, true
	case "seconds", "second", "sec", "s", "":
		return time.Second, true
	case "minutes", "minute", "min", "m":
		return time.Minute, true
	case "hours", "hour", "hr", "h":
		return time.Hour, true
	case "days", "day", "d":
		return day, true
	case "weeks", "week", "w":
		return week, true
	case "months", "month", "M":
		return month, true
	case "years", "year", "y":
		return year, true
	}
	return 0, false
}

// formatSpan writes d as parseSpan reads it back to the same value: "1min
// 30s", "250ms", "0", "infinity". It uses no unit above days, as nobody knows
// the length of a month. Negative durations, which no option can have, are
// written with a sign that parseSpan refuses.
func formatSpan(d time.Duration) string {
	switch {
	case d == 0:
		return "0"
	case d == infinity:
		return "infinity"
	case d < 0:
		return "-" + formatSpan(-max(d, -math.MaxInt64+1)) // -MinInt64 does not exist
	}
	var parts []string
	for _, u := range []struct {
		length time.Duration
		name   string
	}{
		{day, "d"},
		{time.Hour, "h"},
		{time.Minute, "min"},
		{time.Second, "s"},
		{time.Millisecond, "ms"},
		{time.Microsecond, "us"},
	} {
		if n := d / u.length; n > 0 {
			parts = append(parts, strconv.FormatInt(int64(n), 10)+u.name)
			d %= u.length
		}
	}
	if d > 0 { // nanoseconds have no unit of their own
		parts = append(parts, fmt.Sprintf("0.%03dus", int64(d)))
	}
	return strings.Join(parts, " ")
}
