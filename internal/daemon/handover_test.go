package daemon

import (
	"reflect"
	"testing"
	"time"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/loop"
	"github.com/availd/availd/internal/report"
	"github.com/availd/availd/spawn"
)

func TestListenersHandover(t *testing.T) {
	reports, err := report.Listen("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = reports.Close() }()
	d := &daemon{reports: reports, sockets: activation.Set{Workers: []activation.Socket{{FD: 8, Name: "web"}, {FD: 5, Name: "web-tls"}}}}
	want := spawn.Handover{
		Files: []int{spawn.Null, 1, 2, 8, 5},
		Env:   []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=web:web-tls", "NOTIFY_SOCKET=" + reports.Address()},
		PIDs:  []string{"LISTEN_PID"},
	}
	if got := d.listenersHandover(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	d.cfg = config.Config{WorkerWatchdog: 3 * time.Second}
	want.Env, want.PIDs = append(want.Env, "WATCHDOG_USEC=3000000"), append(want.PIDs, "WATCHDOG_PID")
	if got := d.listenersHandover(); !reflect.DeepEqual(got, want) {
		t.Errorf("with a watchdog: got %+v, want %+v", got, want)
	}
}

// TestConnHandover: what is not known of the peer is taken out, so that nobody
// reads what an earlier one was told.
func TestConnHandover(t *testing.T) {
	for _, c := range []struct {
		conn loop.Conn
		env  []string
	}{
		{loop.Conn{FD: 9, Address: "192.0.2.7", Port: "4711"}, []string{"REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711"}},
		{loop.Conn{FD: 9}, []string{"REMOTE_ADDR", "REMOTE_PORT"}},
	} {
		want := spawn.Handover{Files: []int{9, 9, 2}, Env: c.env}
		if got := connHandover(&c.conn); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestFastCGIHandover: the socket is where the protocol says, and nothing is said
// of it, as programs look there for a connection's variables else.
func TestFastCGIHandover(t *testing.T) {
	d := &daemon{
		cfg:     config.Config{Protocol: config.ProtocolFastCGI},
		sockets: activation.Set{Workers: []activation.Socket{{FD: 8, Name: "php"}}},
	}
	want := spawn.Handover{Files: []int{8, 1, 2}}
	if got := d.listenersHandover(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
