package daemon

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

func TestPostfixHandover(t *testing.T) {
	d := &daemon{flow: [2]int{20, 21}, sockets: activation.Set{Workers: []activation.Socket{{FD: 8}, {FD: 5}}}}
	for generation, octal := range map[uint64]string{1: "1", 8: "10", 1<<32 + 9: "11", 1<<32 - 1: "37777777777"} {
		want := spawn.Handover{Files: []int{spawn.Null, 1, 2, 20, 21, 30, 8, 5}, Env: []string{"GENERATION=" + octal}}
		if got := d.postfixHandover(generation, 30); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
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

// TestPostfixRules: --retire-signal=none leaves it to Postfix when daemons leave.
func TestPostfixRules(t *testing.T) {
	for signal, unasked := range map[string]bool{"": false, config.RetireNone: true} {
		cfg := config.Default()
		cfg.Protocol, cfg.RetireSignal, cfg.Command = config.ProtocolPostfix, signal, []string{"smtpd"}
		p := policy.Config{Extensions: policy.Extensions{NoRetireSignal: true, StartTimeout: 1}}
		postfixRules(cfg, &p)
		if p.NoRetireSignal != unasked || p.QuickExits != 3 || p.StartTimeout != 0 {
			t.Errorf("%q: %+v", signal, p)
		}
	}
}

// TestKeptChannels go to the workers that live, and the others are kept for those
// who hold their other ends.
func TestKeptChannels(t *testing.T) {
	d := &daemon{cfg: config.Config{Protocol: config.ProtocolPostfix}}
	spare, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	d.sockets.Stored = []activation.Stored{
		{FD: 10, Name: "availd.c.7"},
		{FD: spare, Name: "availd.c.7"},
		{FD: 11, Name: "availd.c.5"},
		{FD: 12, Name: "availd.flow.w"},
		{FD: 13, Name: "availd.flow.r"},
		{FD: 14, Name: "availd.c.9"},
		{FD: 15, Name: "availd.w.7"},
	}
	d.kept = d.sortKept()
	if d.kept.flow != [2]int{13, 12} || d.kept.workers[7] != 15 {
		t.Errorf("%+v", d.kept)
	}
	if unix.Close(spare) == nil {
		t.Error("the second of one name is still open")
	}
	seven, eight := restoredWorker(7), restoredWorker(8)
	d.takeChannel(&seven)
	d.takeChannel(&eight)
	if seven.Channel != 10 || seven.Entry.Leaving {
		t.Errorf("7: %+v", seven)
	}
	if e := eight.Entry; eight.Channel != 0 || !e.Leaving || !e.Told || e.State != policy.BusyState {
		t.Errorf("8: %+v", eight)
	}
	if got, want := d.ownerless(), []loop.Handed{{Generation: 5, FD: 11}, {Generation: 9, FD: 14}}; !slices.Equal(got, want) {
		t.Errorf("ownerless: %v, want %v", got, want)
	}
}

func restoredWorker(generation uint64) loop.RestoredWorker {
	return loop.RestoredWorker{Entry: policy.Entry{Generation: generation}}
}
