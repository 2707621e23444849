package config

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/availd/availd/internal/testutil"
)

func TestParseSpan(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
	}{
		{"0", 0},
		{"100", 100 * time.Second},
		{"010", 10 * time.Second},
		{"250ms", 250 * time.Millisecond},
		{"5min", 5 * time.Minute},
		{"1min 30s", 90 * time.Second},
		{"1min30s", 90 * time.Second},
		{"30s 1min", 90 * time.Second},
		{" 3 \t min ", 3 * time.Minute},
		{"1 2", 3 * time.Second},
		{"5min 30", 330 * time.Second},
		{"1.5", 1500 * time.Millisecond},
		{".5", 500 * time.Millisecond},
		{"0.25h", 15 * time.Minute},
		{"0.1us", 100},
		{"0.0000000019", 1},
		{"1.5M", 45*day + 15*time.Hour + 45*time.Minute},
		{"300ms20s 5day", 5*day + 20*time.Second + 300*time.Millisecond},
		{"1y 12month", 2 * year},
		{"infinity", infinity},
		{" infinity\n", infinity},
		{"9223372036854775us", math.MaxInt64 / 1000 * 1000},
		{"9223372036854775.806us", math.MaxInt64 - 1},
	} {
		if got, err := parseSpan(tt.in); err != nil || got != tt.want {
			t.Errorf("parseSpan(%q) = %v, %v; want %v", tt.in, got, err, tt.want)
		}
	}
}

// The spellings in the manual page systemd.time(7).
func TestParseSpanUnits(t *testing.T) {
	for want, names := range map[time.Duration]string{
		time.Microsecond:               "usec us μs µs",
		time.Millisecond:               "msec ms",
		time.Second:                    "seconds second sec s",
		time.Minute:                    "minutes minute min m",
		time.Hour:                      "hours hour hr h",
		24 * time.Hour:                 "days day d",
		168 * time.Hour:                "weeks week w",
		730*time.Hour + 30*time.Minute: "months month M", // 30.4375 days
		8766 * time.Hour:               "years year y",   // 365.25 days
	} {
		for _, name := range strings.Fields(names) {
			for _, in := range []string{"1" + name, "1 " + name, "0.5" + name + "500000us"} {
				want := want
				if strings.HasPrefix(in, "0.5") {
					want = want/2 + time.Second/2
				}
				if got, err := parseSpan(in); err != nil || got != want {
					t.Errorf("parseSpan(%q) = %v, %v; want %v", in, got, err, want)
				}
			}
		}
	}
}

func TestParseSpanRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"":                        "empty, leave the option out for its default",
		"  ":                      "empty, leave the option out for its default",
		"-1":                      "negative",
		"-1s":                     "negative",
		"1s -1s":                  "negative",
		"+5":                      "sign before a number",
		"s":                       "not a time span",
		"never":                   "not a time span",
		"1d infinity":             "not a time span",
		"5.":                      "no digits after the point",
		"3.s":                     "no digits after the point",
		".":                       "no digits after the point",
		"1.2.3":                   "two points in a number",
		"5nsec":                   `unknown unit "nsec"`,
		"5S":                      `unknown unit "S"`,
		"5Min":                    `unknown unit "Min"`,
		"1e3":                     `unknown unit "e"`,
		"0x10":                    `unknown unit "x"`,
		"1,5s":                    "not a time span",
		"5%":                      "not a time span",
		"1s\x00":                  "not a time span",
		"293y":                    "too long",
		"9223372036854775.807us":  "too long", // infinity is no length
		"150y 150y":               "too long",
		"9223372036.9s":           "too long",
		"99999999999999999999s":   "too long",
		strings.Repeat("1s ", 99): "too long",
	} {
		if got, err := parseSpan(in); err == nil || err.Error() != want {
			t.Errorf("parseSpan(%q) = %v, %v; want error %q", in, got, err, want)
		}
	}
}

func TestFormatSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                       "0",
		90 * time.Second:        "1min 30s",
		1000 * time.Second:      "16min 40s",
		250 * time.Millisecond:  "250ms",
		36 * time.Hour:          "1d 12h",
		1001001:                 "1ms 1us 0.001us",
		infinity:                "infinity",
		-time.Second:            "-1s",
		time.Duration(-1 << 63): "-" + formatSpan(infinity-1),
	} {
		if got := formatSpan(d); got != want {
			t.Errorf("formatSpan(%d) = %q, want %q", d, got, want)
		}
	}
}

func FuzzSpan(base *testing.F) {
	f := testutil.Fuzz(base)
	for _, s := range []string{"", "0", "1min 30s", ".5us", "infinity", "1y1M1w1d1h1m1s1ms1us", "5µs"} {
		f.Add(s, int64(len(s)))
	}
	f.Add("292y", int64(math.MaxInt64))
	f.Fuzz(func(t *testing.T, s string, n int64) {
		if d, err := parseSpan(s); err == nil {
			if d < 0 {
				t.Fatalf("parseSpan(%q) = %d", s, d)
			}
			readBack(t, d)
		} else if d != 0 {
			t.Fatalf("parseSpan(%q) = %d with error %v", s, d, err)
		}
		if n >= 0 {
			readBack(t, time.Duration(n))
		} else if d, err := parseSpan(formatSpan(time.Duration(n))); err == nil {
			t.Fatalf("the span of %d was read as %d", n, d)
		}
	})
}

func readBack(t *testing.T, d time.Duration) {
	if back, err := parseSpan(formatSpan(d)); err != nil || back != d {
		t.Fatalf("%d is written %q and read back as %d, %v", d, formatSpan(d), back, err)
	}
}
