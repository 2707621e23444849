package daemon

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/protocol"
	"github.com/availd/availd/internal/state"
)

// TestHowWorkersLeave: who does not report is ended between connections, unless
// the administrator knows better.
func TestHowWorkersLeave(t *testing.T) {
	f, err := state.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, test := range []struct {
		protocol *protocol.Protocol
		signal   string
		infers   bool
		quiesce  bool
		want     unix.Signal
		unasked  bool
	}{
		{protocol.Notify, "", false, false, unix.SIGTERM, false},
		{protocol.Notify, config.RetireQuiesce, false, true, 0, false},
		{protocol.Queue, "", true, true, 0, false},
		{protocol.Queue, "TERM", true, false, unix.SIGTERM, false},
		{protocol.Queue, config.RetireNone, true, false, 0, true},
		{protocol.FastCGI, "", true, true, 0, false},
		{protocol.Auto, "", true, true, unix.SIGTERM, false},
		{protocol.Auto, "USR1", true, false, unix.SIGUSR1, false},
	} {
		cfg := config.Default()
		cfg.Protocol, cfg.RetireSignal, cfg.Command = test.protocol, test.signal, []string{"worker"}
		s := (&daemon{cfg: cfg, state: f}).settings(cfg)
		infers := s.Policy.QueueDelay == 20*time.Millisecond
		if infers != test.infers || s.Quiesce != test.quiesce || s.RetireSignal != test.want || s.Policy.NoRetireSignal != test.unasked {
			t.Errorf("%s %q: %+v", test.protocol, test.signal, s)
		}
	}
}
