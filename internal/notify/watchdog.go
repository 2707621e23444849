package notify

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

// Watchdog returns the longest time the manager waits between two WATCHDOG=1,
// and false when it does not wait for any, or for another process than pid:
// sd_watchdog_enabled(3), WATCHDOG_USEC and WATCHDOG_PID. Values that are no
// numbers are an error. getenv is os.Getenv or the like.
func Watchdog(getenv func(string) string, pid int) (time.Duration, bool, error) {
	value := getenv("WATCHDOG_USEC")
	if value == "" {
		return 0, false, nil
	}
	usec, err := strconv.ParseUint(value, 10, 64)
	if err != nil || usec == 0 || usec > math.MaxInt64/uint64(time.Microsecond) {
		return 0, false, fmt.Errorf("read WATCHDOG_USEC=%q: not a number of microseconds", value)
	}
	if value := getenv("WATCHDOG_PID"); value != "" {
		whose, err := strconv.ParseUint(value, 10, 31)
		if err != nil || whose == 0 {
			return 0, false, fmt.Errorf("read WATCHDOG_PID=%q: not a process", value)
		}
		if int(whose) != pid {
			return 0, false, nil
		}
	}
	return time.Duration(usec) * time.Microsecond, true, nil
}
