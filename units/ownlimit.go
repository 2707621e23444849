package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ownLimits are what availd needs of the limits that a unit sets for all of its processes
// (systemd.exec(5)), in bytes, and what to use for workers in their place. Go's runtime
// reserves addresses by the gigabyte, of which it uses a few megabytes; and what is
// remembered of workers is memory that counts as a file.
var ownLimits = map[string]struct {
	least   uint64
	instead string
}{
	"LimitAS":    {2 << 30, "MemoryMax= bounds what the service uses, and prlimit(1) before the command the addresses of a worker"},
	"LimitDATA":  {512 << 20, "MemoryMax= bounds what the service uses, and prlimit(1) before the command the data of a worker"},
	"LimitFSIZE": {4 << 20, "ProtectSystem=strict and ReadOnlyPaths= keep workers from writing, and prlimit(1) before the command bounds their files"},
}

// checkOwnLimit refuses a limit under which availd itself could not start.
func checkOwnLimit(word, key, value string) error {
	own, ok := ownLimits[key]
	if !ok {
		return nil
	}
	soft, _, _ := strings.Cut(value, ":")
	if n, ok := bytesOf(soft); ok && n < own.least {
		return fmt.Errorf("property %q: not possible: availd itself needs %s=%dM or more; %s", word, key, own.least>>20, own.instead)
	}
	return nil
}

// bytesOf reads a size as systemd has it: a number of bytes with a suffix of base 1024, or
// infinity. What is no size systemd refuses.
func bytesOf(text string) (n uint64, ok bool) {
	text = strings.TrimSpace(text)
	if text == "infinity" {
		return math.MaxUint64, true
	}
	number := strings.TrimRight(text, "BKMGTPE")
	unit := strings.TrimSuffix(text[len(number):], "B")
	power := strings.Index("KMGTPE", unit)
	if unit == "" {
		power = -1
	}
	size, err := strconv.ParseFloat(number, 64)
	if err != nil || size < 0 || len(unit) > 1 {
		return 0, false
	}
	return uint64(min(size*math.Pow(1024, float64(power+1)), math.MaxInt64)), true
}
