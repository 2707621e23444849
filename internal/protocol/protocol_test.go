package protocol

import (
	"slices"
	"strings"
	"testing"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/policy"
)

func TestServes(t *testing.T) {
	for _, p := range All {
		datagrams := slices.Contains([]*Protocol{Notify, Postfix}, p)
		for kind, want := range map[activation.Kind]bool{
			activation.Stream: true, activation.SeqPacket: true,
			activation.Datagram: datagrams, activation.FIFO: datagrams,
		} {
			if got := p.Serves(kind); got != want {
				t.Errorf("%v by %v: %v", kind, p, got)
			}
		}
	}
}

// TestTable: what every protocol must say is said, and what contradicts itself is not.
func TestTable(t *testing.T) {
	for _, p := range All {
		switch {
		case Find(p.Name) != p:
			t.Errorf("%v is not found by its name", p)
		case p.Handover == nil:
			t.Errorf("workers of %v are handed nothing", p)
		case p.Retire == "" && !p.Channel:
			t.Errorf("workers of %v cannot be asked to retire", p)
		case !p.Reports && !p.Channel && !p.Infers && !p.PerConnection:
			t.Errorf("nobody knows which workers of %v are busy", p)
		case p.PerConnection && !p.NonBlocking:
			t.Errorf("availd would wait in accept for workers of %v", p)
		}
		for option, refusal := range p.Refuses {
			if _, refused := p.Refusal(option); !refused || refusal == (Refusal{}) {
				t.Errorf("%v refuses %s without a reason", p, option)
			}
		}
	}
	if Find("") != nil || Find("none") != nil || len(Names()) != len(All) {
		t.Error("a protocol is found that is not there")
	}
}

func TestSocketCount(t *testing.T) {
	for args, want := range map[string]int{
		"":                          1,
		"-n smtp -t inet -u":        1,
		"-n smtp -t inet -u -s 2":   2,
		"-s3 -t inet":               3,
		"-cus 4":                    4,
		"-o -s -s 2":                2, // -s is the value of -o
		"-n -s5":                    1,
		"-o stress= -c -s 2 -o a=b": 2,
		"-t inet -- -s 9":           1,
		"inet -s 9":                 1,
		"-s":                        0,
		"-s many":                   0,
	} {
		if got := socketCount(strings.Fields(args)); got != want {
			t.Errorf("%q: %d, want %d", args, got, want)
		}
	}
}

// TestMastersRules: --retire-signal=none leaves it to Postfix when daemons leave.
func TestMastersRules(t *testing.T) {
	for _, unasked := range []bool{false, true} {
		p := policy.Config{Extensions: policy.Extensions{NoRetireSignal: true, StartTimeout: 1}}
		Postfix.Rules(&p, Settings{RetireNone: unasked})
		if p.NoRetireSignal != unasked || p.QuickExits != 3 || p.StartTimeout != 0 {
			t.Errorf("%t: %+v", unasked, p)
		}
	}
}
