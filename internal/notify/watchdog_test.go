package notify_test

import (
	"testing"
	"time"

	"github.com/availd/availd/internal/notify"
)

func TestWatchdog(t *testing.T) {
	for _, test := range []struct {
		usec, pid string
		want      time.Duration
		ok, bad   bool
	}{
		{"", "", 0, false, false},
		{"", "7", 0, false, false},
		{"1000000", "7", time.Second, true, false},
		{"1000000", "", time.Second, true, false},
		{"1000000", "8", 0, false, false},
		{"0", "7", 0, false, true},
		{"-1", "7", 0, false, true},
		{"1s", "7", 0, false, true},
		{"18446744073709551615", "7", 0, false, true},
		{"9223372036854776", "7", 0, false, true},
		{"9223372036854775", "7", 9223372036854775 * time.Microsecond, true, false},
		{"1000000", "seven", 0, false, true},
		{"1000000", "0", 0, false, true},
	} {
		env := map[string]string{"WATCHDOG_USEC": test.usec, "WATCHDOG_PID": test.pid}
		got, ok, err := notify.Watchdog(func(name string) string { return env[name] }, 7)
		if got != test.want || ok != test.ok || (err != nil) != test.bad {
			t.Errorf("%+v: got %v, %v, %v", test, got, ok, err)
		}
	}
}
