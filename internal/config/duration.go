package config

import (
	"errors"
	"time"
)

// This file has the kinds of options whose values are durations; span.go reads and writes
// those.

// The bounds of every duration. The lower one keeps timers from becoming a
// busy loop, the upper one keeps sums of times far from overflow.
const (
	shortest = time.Millisecond
	longest  = 10 * year
)

const acceptsSpan = "a time span from 1ms to 10y, such as 90, 1min 30s or 250ms"

// span is a duration, which is never 0.
func span(field func(*Config) *time.Duration) kind { return spanOr(field, zeroCounts, parseDuration) }

// spanOrNever is a duration, or never: 0 in the field.
func spanOrNever(field func(*Config) *time.Duration) kind {
	return spanOr(field, never, parseOrNever)
}

// spanOrZero is a duration in which 0 is one like others.
func spanOrZero(field func(*Config) *time.Duration) kind {
	k := spanOr(field, zeroCounts, func(value string) (time.Duration, error) {
		if d, err := parseSpan(value); err == nil && d == 0 {
			return 0, nil
		}
		return parseDuration(value)
	})
	k.accepts += ", or 0"
	return k
}

func spanOr(field func(*Config) *time.Duration, zero zeroWord, parse func(string) (time.Duration, error)) kind {
	accepts := acceptsSpan
	if zero != "" {
		accepts += ", or " + string(zero) + " (0)"
	}
	return kind{
		accepts: accepts, zero: zero,
		set: func(c *Config, value string) error {
			d, err := parse(value)
			if err == nil {
				*field(c) = d
			}
			return err
		},
		show:   func(c *Config) string { return showSpan(*field(c), zero) },
		number: func(c *Config) int64 { return int64(*field(c)) },
		text:   func(n int64) string { return showSpan(time.Duration(n), zero) },
	}
}

func showSpan(d time.Duration, zero zeroWord) string {
	if d == 0 && zero != "" {
		return string(zero)
	}
	return formatSpan(d)
}

// parseOrNever reads a duration, or never in one of its spellings: then it is 0.
func parseOrNever(value string) (time.Duration, error) {
	if value == string(never) {
		return 0, nil
	}
	if d, err := parseSpan(value); err == nil && (d == 0 || d == infinity) {
		return 0, nil
	}
	return parseDuration(value)
}

// parseDuration reads a duration within the bounds.
func parseDuration(value string) (time.Duration, error) {
	d, err := parseSpan(value)
	switch {
	case err != nil:
		return 0, err
	case d < shortest:
		return 0, errors.New("too short")
	case d > longest:
		return 0, errors.New("too long")
	}
	return d, nil
}

// spanOrUnset is a duration or never, with a default that depends on other options.
func spanOrUnset(field func(*Config) **time.Duration) kind {
	return kind{
		accepts: spanOrNever(nil).accepts, zero: never,
		set: func(c *Config, value string) error {
			d, err := parseOrNever(value)
			if err == nil {
				*field(c) = &d
			}
			return err
		},
		show: func(c *Config) string {
			if *field(c) == nil {
				return ""
			}
			return showSpan(**field(c), never)
		},
	}
}
