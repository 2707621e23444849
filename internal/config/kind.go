package config

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/availd/availd/internal/protocol"
)

// kind is the sort of value that an option takes, bound to a field of Config.
// set leaves the field alone when it refuses the value; its error says only
// what is wrong with the value, the caller adds the option and accepts.
type kind struct {
	accepts string
	zero    zeroWord
	set     func(c *Config, value string) error
	show    func(c *Config) string
	clear   func(c *Config) // only for lists
	// number is the value where that is one, durations in nanoseconds, and text is such a
	// number as set takes it; nil for all other kinds.
	number func(c *Config) int64
	text   func(n int64) string
}

// zeroWord is how people write and read a 0 that is no amount. The 0 itself is accepted,
// too.
type zeroWord string

const (
	never      zeroWord = "never"
	unlimited  zeroWord = "unlimited"
	zeroCounts zeroWord = "" // it is an amount like others, where the option takes it at all
)

// number is a decimal number from low to high.
func number(field func(*Config) *int, low, high int, zero zeroWord) kind {
	accepts := fmt.Sprintf("a decimal number from %d to %d", low, high)
	if zero != "" {
		accepts = fmt.Sprintf("a decimal number from %d to %d, or %s (0)", low+1, high, zero)
	}
	return kind{
		accepts: accepts, zero: zero,
		set: func(c *Config, value string) error {
			if zero != "" && value == string(zero) {
				value = "0"
			}
			n, err := parseNumber(value, low, high)
			if err != nil {
				return err
			}
			*field(c) = n
			return nil
		},
		show:   func(c *Config) string { return showNumber(*field(c), zero) },
		number: func(c *Config) int64 { return int64(*field(c)) },
		text:   func(n int64) string { return showNumber(int(n), zero) },
	}
}

func showNumber(n int, zero zeroWord) string {
	if n == 0 && zero != "" {
		return string(zero)
	}
	return strconv.Itoa(n)
}

// numberOrCPUs is a number or the word auto, which is the number of CPUs that
// this process may run on, and is remembered.
func numberOrCPUs(field func(*Config) *int, auto func(*Config) *bool, low, high int) kind {
	k := number(field, low, high, zeroCounts)
	k.accepts += ", or auto (the number of CPUs, without those that wait)"
	plain := k.set
	k.set = func(c *Config, value string) error {
		if *auto(c) = value == "auto"; *auto(c) {
			*field(c) = runtime.NumCPU()
			return nil
		}
		return plain(c, value)
	}
	show, text := k.show, k.text
	k.show = func(c *Config) string {
		if *auto(c) {
			return "auto"
		}
		return show(c)
	}
	k.number = func(c *Config) int64 { // 0 is auto
		if *auto(c) {
			return 0
		}
		return int64(*field(c))
	}
	k.text = func(n int64) string {
		if n == 0 {
			return "auto"
		}
		return text(n)
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

// word is one of a few fixed words.
func word[T ~string](field func(*Config) *T, words ...T) kind {
	names := make([]string, len(words))
	for i, w := range words {
		names[i] = string(w)
	}
	return kind{
		accepts: orLast(names),
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

// orLast is a list of words for people.
func orLast(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// protocolKind is a word, too: the name of one of the protocols.
func protocolKind() kind {
	return kind{
		accepts: orLast(protocol.Names()),
		set: func(c *Config, value string) error {
			p := protocol.Find(value)
			switch {
			case p != nil:
				c.Protocol = p
				return nil
			case value == "":
				return errEmpty
			}
			return errors.New("unknown word")
		},
		show: func(c *Config) string { return c.Protocol.String() },
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
