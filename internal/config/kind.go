package config

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// kind is the sort of value that an option takes, bound to a field of Config.
// set leaves the field alone when it refuses the value; its error says only
// what is wrong with the value, the caller adds the option and accepts.
type kind struct {
	accepts string
	set     func(c *Config, value string) error
	show    func(c *Config) string
	clear   func(c *Config) // only for lists
}

// number is a decimal number from low to high.
func number(field func(*Config) *int, low, high int, note string) kind {
	accepts := fmt.Sprintf("a decimal number from %d to %d", low, high)
	if note != "" {
		accepts += " (" + note + ")"
	}
	return kind{
		accepts: accepts,
		set: func(c *Config, value string) error {
			n, err := parseNumber(value, low, high)
			if err != nil {
				return err
			}
			*field(c) = n
			return nil
		},
		show: func(c *Config) string { return strconv.Itoa(*field(c)) },
	}
}

// numberOrCPUs is a number or the word auto, which is the number of CPUs that
// this process may run on.
func numberOrCPUs(field func(*Config) *int, low, high int) kind {
	k := number(field, low, high, "")
	k.accepts += ", or auto (the number of CPUs)"
	plain := k.set
	k.set = func(c *Config, value string) error {
		if value == "auto" {
			*field(c) = runtime.NumCPU()
			return nil
		}
		return plain(c, value)
	}
	return k
}

// parseNumber is stricter than strconv.Atoi, because what operators mean by
// 010, 0x10 or 1_000 differs from one program to the next.
func parseNumber(value string, low, high int) (int, error) {
	if value == "" {
		return 0, errEmpty
	}
	if rest, minus := strings.CutPrefix(value, "-"); minus && digits(rest) {
		return 0, errors.New("negative")
	}
	if !digits(value) {
		return 0, errors.New("not a decimal number")
	}
	if len(value) > 1 && value[0] == '0' {
		if short := strings.TrimLeft(value, "0"); short != "" {
			return 0, fmt.Errorf("leading zero, write %s", clip(short))
		}
		return 0, errors.New("leading zero, write 0")
	}
	n, err := strconv.Atoi(value)
	switch {
	case err != nil || n > high: // digits only, so Atoi can fail by size alone
		return 0, errors.New("too large")
	case n < low:
		return 0, errors.New("too small")
	}
	return n, nil
}

// digits reports whether s is one or more ASCII digits.
func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// offRule says whether a duration option can be switched off.
type offRule bool

const (
	offAllowed offRule = true
	offRefused offRule = false
)

// The bounds of every duration. The lower one keeps timers from becoming a
// busy loop, the upper one keeps sums of times far from overflow.
const (
	shortest = time.Millisecond
	longest  = 10 * year
)

// span is a duration, in which 0 and infinity mean off where that is allowed.
func span(field func(*Config) *time.Duration, off offRule) kind {
	accepts := "a time span from 1ms to 10y, such as 90, 1min 30s or 250ms"
	if off {
		accepts += ", or 0 or infinity for never"
	}
	return kind{
		accepts: accepts,
		set: func(c *Config, value string) error {
			d, err := parseSpan(value)
			if err != nil {
				return err
			}
			if off && (d == 0 || d == infinity) {
				*field(c) = 0
				return nil
			}
			if d < shortest {
				return errors.New("too short")
			}
			if d > longest {
				return errors.New("too long")
			}
			*field(c) = d
			return nil
		},
		show: func(c *Config) string { return formatSpan(*field(c)) },
	}
}

// word is one of a few fixed words.
func word[T ~string](field func(*Config) *T, words ...T) kind {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return kind{
		accepts: strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1],
		set: func(c *Config, value string) error {
			for _, w := range words {
				if string(w) == value {
					*field(c) = w
					return nil
				}
			}
			if value == "" {
				return errEmpty
			}
			return errors.New("unknown word")
		},
		show: func(c *Config) string { return string(*field(c)) },
	}
}

// text is a string that check accepts.
func text(field func(*Config) *string, accepts string, check func(string) error) kind {
	return kind{
		accepts: accepts,
		set: func(c *Config, value string) error {
			if err := check(value); err != nil {
				return err
			}
			*field(c) = value
			return nil
		},
		show: func(c *Config) string { return *field(c) },
	}
}

// list is any number of strings, each of which check accepts.
func list(field func(*Config) *[]string, accepts string, check func(string) error) kind {
	return kind{
		accepts: accepts,
		set: func(c *Config, value string) error {
			if err := check(value); err != nil {
				return err
			}
			*field(c) = append(*field(c), value)
			return nil
		},
		show:  func(c *Config) string { return strings.Join(*field(c), " ") },
		clear: func(c *Config) { *field(c) = nil },
	}
}

// retireSignal is a signal, quiesce or none, kept in its canonical form.
func retireSignal(field func(*Config) *string) kind {
	return kind{
		accepts: acceptsSignal,
		set: func(c *Config, value string) error {
			canonical, err := parseRetireSignal(value)
			if err != nil {
				return err
			}
			*field(c) = canonical
			return nil
		},
		show: func(c *Config) string { return *field(c) },
	}
}
