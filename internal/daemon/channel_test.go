package daemon

import (
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/policy"
)

// TestKeptChannels go to the workers that live, and the others are kept for those
// who hold their other ends.
func TestKeptChannels(t *testing.T) {
	d := &daemon{cfg: config.Config{Protocol: protocol.Postfix}}
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
	if seven.Channel != 10 || seven.Entry.Retiring {
		t.Errorf("7: %+v", seven)
	}
	if e := eight.Entry; eight.Channel != 0 || !e.Retiring || !e.Told || e.State != policy.BusyState {
		t.Errorf("8: %+v", eight)
	}
	if got, want := d.ownerless(), []loop.Handed{{Generation: 5, FD: 11}, {Generation: 9, FD: 14}}; !slices.Equal(got, want) {
		t.Errorf("ownerless: %v, want %v", got, want)
	}
}

func restoredWorker(generation uint64) loop.RestoredWorker {
	return loop.RestoredWorker{Entry: policy.Entry{Generation: generation}}
}
