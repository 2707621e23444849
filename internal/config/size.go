package config

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// The bounds of a size: below the lower one no process lives, and the upper one is more than
// any machine has.
const (
	smallestSize = 1 << 20
	largestSize  = 1 << 50
)

// sizeUnits are the suffixes that systemd takes, to the base 1024.
var sizeUnits = []struct {
	suffix string
	bytes  int64
}{{"T", 1 << 40}, {"G", 1 << 30}, {"M", 1 << 20}, {"K", 1 << 10}}

// sizeOrNever is a number of bytes, or never: 0 in the field.
func sizeOrNever(field func(*Config) *int64) kind {
	return kind{
		accepts: "a size from 1M to 1024T, such as 200M or 1G (to the base 1024), or never (0)", zero: never,
		set: func(c *Config, value string) error {
			n, err := parseSize(value)
			if err == nil {
				*field(c) = n
			}
			return err
		},
		show: func(c *Config) string { return formatSize(*field(c)) },
	}
}

func parseSize(value string) (int64, error) {
	switch value {
	case "0", string(never), "infinity":
		return 0, nil
	}
	number, factor := value, int64(1)
	for _, u := range sizeUnits {
		if rest, has := strings.CutSuffix(value, u.suffix); has {
			number, factor = rest, u.bytes
		}
	}
	n, err := parseNumber(number, 0, math.MaxInt)
	switch {
	case err != nil:
		return 0, err
	case int64(n) > largestSize/factor:
		return 0, errors.New("too large")
	case int64(n)*factor < smallestSize:
		return 0, errors.New("too small")
	}
	return int64(n) * factor, nil
}

// formatSize is the inverse of parseSize.
func formatSize(n int64) string {
	if n == 0 {
		return string(never)
	}
	for _, u := range sizeUnits {
		if n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.suffix
		}
	}
	return strconv.FormatInt(n, 10)
}
