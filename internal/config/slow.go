package config

import (
	"errors"

	"golang.org/x/sys/unix"
)

// SlowNone is the SlowSignal that stands for no signal.
const SlowNone = "none"

// slowSignal is a signal that a program may have a handler for, kept in its canonical form,
// or none.
func slowSignal(field func(*Config) *string) kind {
	return kind{
		accepts: "a signal such as USR1 or RTMIN+3, or none",
		set: func(c *Config, value string) error {
			switch value {
			case "":
				return errEmpty
			case SlowNone:
				*field(c) = SlowNone
				return nil
			}
			number, err := signalNumber(value)
			switch {
			case err != nil:
				return err
			case number == unix.SIGKILL || number == unix.SIGSTOP:
				return errors.New("no program can have a handler for it")
			}
			*field(c) = signalName(number)
			return nil
		},
		show: func(c *Config) string { return *field(c) },
	}
}

// SlowNumber is the signal for a worker whose request takes long; 0 = none.
func (c *Config) SlowNumber() unix.Signal {
	if c.SlowSignal == SlowNone {
		return 0
	}
	n, _ := signalNumber(c.SlowSignal)
	return n
}
