package activation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestNames: whatever is passed as names, the sockets are served, and what could not be
// used is said.
func TestNames(t *testing.T) {
	long := strings.Repeat("n", 255)
	for _, test := range []struct {
		value string
		want  []string
		said  bool
	}{
		{"web", []string{"web"}, false},
		{"", []string{"unknown"}, false},
		{"web@127.0.0.1:8000.socket", []string{"web@127.0.0.1_8000.socket"}, true},
		{"web@[::1]:80.socket", []string{"web@[__1]_80.socket"}, true},
		{"web@-:443.socket", []string{"web@-_443.socket"}, true},
		{"a:b", []string{"a_b"}, true},
		{`a\x3ab`, []string{`a\x3ab`}, false},
		{"é", []string{"é"}, false},
		{"a\x1b[2J", []string{"unknown"}, true},
		{"\xff", []string{"unknown"}, true},
		{long, []string{long}, false},
		{long + "n", []string{"unknown"}, true},
		{"web:web", []string{"web", "web"}, false},
		{":", []string{"unknown", "unknown"}, false},
		{"", []string{"unknown", "unknown"}, false},
		{"web", []string{"web", "unknown"}, true},
		{"a:b:c", []string{"unknown", "unknown"}, true},
		{"web@127.0.0.1:80.socket:web@127.0.0.1:81.socket", []string{"web@127.0.0.1_80.socket", "web@127.0.0.1_81.socket"}, true},
		{"control:web@[::1]:80.socket", []string{"control", "web@[__1]_80.socket"}, true},
		{"web@127.0.0.1:80.socket:availd.state", []string{"web@127.0.0.1_80.socket", "availd.state"}, true},
		{"a:b.socket:availd.w.7:availd.state", []string{"a_b.socket", "availd.w.7", "availd.state"}, true},
		{"a:b.socket:c.socket:availd.state", []string{"a_b.socket", "c.socket", "availd.state"}, true},
		{"a:b:c:availd.state", []string{"unknown", "unknown", "availd.state"}, true},
		{"web.socket:other:status", []string{"web.socket", "other", "status"}, false},
	} {
		t.Run(fmt.Sprintf("%.60q for %d", test.value, len(test.want)), func(t *testing.T) {
			var fds []int
			for range test.want {
				fds = append(fds, tcp4(t, 127, 0, 0, 1))
			}
			o := activate(t, fds, "LISTEN_PID=self", fmt.Sprintf("LISTEN_FDS=%d", len(fds)), "LISTEN_FDNAMES="+test.value)
			var got []string
			for _, s := range all(o.Set) {
				got = append(got, s.Name)
			}
			slices.Sort(got)
			want := slices.Sorted(slices.Values(test.want))
			if o.Error != "" || !slices.Equal(got, want) || (o.Set.Complaint != "") != test.said {
				t.Errorf("error %q, names %q, said %q, want %q", o.Error, got, o.Set.Complaint, want)
			}
		})
	}
}
