package template

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/availd/availd/internal/prose"

	"github.com/availd/availd/internal/testutil"
)

func TestOrder(t *testing.T) {
	o := Order{Generation: 17, Env: []string{"AVAILD_STRESS=", "AVAILD_SLOT=3"}}
	if got := string(o.Append([]byte("x"))); got != "xFORK=17\nAVAILD_STRESS=\nAVAILD_SLOT=3" {
		t.Errorf("%q", got)
	}
	if got := string(Order{Generation: 1}.Append(nil)); got != "FORK=1" {
		t.Errorf("%q", got)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]Message{
		"READY=1":                   {Kind: Ready},
		"READY=1\n":                 {Kind: Ready},
		"BORN=17":                   {Kind: Forked, Generation: 17},
		"BORN=18446744073709551615": {Kind: Forked, Generation: 1<<64 - 1},
		"FAILED=17":                 {Kind: Failed, Generation: 17},
		"FAILED=17 no \x1b[31mroom": {Kind: Failed, Generation: 17, Reason: "no ?[31mroom"},
		"FAILED=17 a\nREADY=1":      {Kind: Failed, Generation: 17, Reason: "a?READY=1"},
		"":                          {},
		"READY":                     {},
		"READY=2":                   {},
		"READY=1\n\n":               {},
		"READY=1\nBORN=1":           {},
		"BORN=":                     {},
		"BORN=0":                    {},
		"BORN=017":                  {},
		"BORN=-1":                   {},
		"BORN=+1":                   {},
		"BORN=1 ":                   {},
		"BORN=18446744073709551616": {},
		"BORN=1e3":                  {},
		"FAILED=":                   {},
		"FAILED=x no":               {},
		"bORN=1":                    {},
		"FORK=1":                    {},
		"BORN=1\x00":                {},
	} {
		m := Message{Kind: Ready, Generation: 9, Reason: "x", PID: 5, PIDFD: 7}
		Parse([]byte(text), &m)
		want.PID, want.PIDFD = 5, 7
		if m != want {
			t.Errorf("%q: %+v, want %+v", text, m, want)
		}
	}
}

// FuzzParse: whatever the other side sends, what is kept of it is bounded and may be shown,
// and who says that he is there says a number that an order can have.
func FuzzParse(base *testing.F) {
	f := testutil.Fuzz(base)
	for _, seed := range []string{"READY=1", "BORN=17\n", "FAILED=3 cannot allocate memory", "FAILED=1 \xff\xfe", "BORN=" + strings.Repeat("9", 30)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Message
		Parse(data, &m)
		if len(m.Reason) > MaxReason || !prose.IsPrintable(m.Reason) || m.Reason != "" && m.Kind != Failed {
			t.Fatalf("%+v", m)
		}
		switch m.Kind {
		case Ready, Malformed:
			if m.Generation != 0 {
				t.Fatalf("%+v", m)
			}
		case Forked:
			if text := "BORN=" + strconv.FormatUint(m.Generation, 10); m.Generation == 0 || string(bytes.TrimSuffix(data, []byte("\n"))) != text {
				t.Fatalf("%q is %+v", data, m)
			}
		case Failed:
			if m.Generation == 0 {
				t.Fatalf("%+v", m)
			}
		}
		// What is read is read again from what a template would write for it.
		var again Message
		Parse(append(data[:len(data):len(data)], '\n'), &again)
		if m.Kind != Malformed && m.Kind != Failed && !bytes.HasSuffix(data, []byte("\n")) && again != m {
			t.Fatalf("with a line end %q is %+v, without %+v", data, again, m)
		}
	})
}
