package units

import (
	"math"
	"testing"
)

// TestBytesOf: sizes as systemd.exec(5) has them for Limit…=.
func TestBytesOf(t *testing.T) {
	for text, want := range map[string]uint64{
		"0": 0, "100": 100, "64K": 65536, "64KB": 65536, "1.5G": 3 << 29, "2T": 2 << 40, "1E": 1 << 60, "99999E": 1 << 63,
		"infinity": math.MaxUint64,
	} {
		if n, ok := bytesOf(text); !ok || n != want {
			t.Errorf("%s: got %d, %t, want %d", text, n, ok, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1KK", "1M1"} {
		if n, ok := bytesOf(text); ok {
			t.Errorf("%q is %d", text, n)
		}
	}
}

// TestOwnLimitEnough: what leaves availd room is for systemd to judge.
func TestOwnLimitEnough(t *testing.T) {
	for _, word := range []string{"LimitAS=2G", "LimitAS=infinity", "LimitDATA=1G", "LimitFSIZE=4M", "LimitCORE=0", "LimitSTACK=64K", "LimitAS="} {
		if err := CheckProperty(word); err != nil {
			t.Error(err)
		}
	}
}
