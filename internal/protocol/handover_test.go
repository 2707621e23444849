package protocol

import (
	"reflect"
	"testing"
	"time"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/spawn"
)

func TestListenersHandover(t *testing.T) {
	given := Given{Reports: "/run/availd/web/notify", Sockets: []activation.Socket{{FD: 8, Name: "web"}, {FD: 5, Name: "web-tls"}}}
	want := spawn.Handover{
		Files: []int{spawn.Null, 1, 2, 8, 5},
		Env:   []string{"LISTEN_FDS=2", "LISTEN_FDNAMES=web:web-tls", "NOTIFY_SOCKET=" + given.Reports},
		PIDs:  []string{"LISTEN_PID"},
	}
	for _, p := range []*Protocol{Auto, Notify, Queue} {
		if got := p.Handover(given); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: got %+v, want %+v", p, got, want)
		}
	}
	given.Watchdog = 3 * time.Second
	want.Env, want.PIDs = append(want.Env, "WATCHDOG_USEC=3000000"), append(want.PIDs, "WATCHDOG_PID")
	if got := Notify.Handover(given); !reflect.DeepEqual(got, want) {
		t.Errorf("with a watchdog: got %+v, want %+v", got, want)
	}
}

// TestConnectionHandover: what is not known of the peer is taken out, so that nobody
// reads what an earlier one was told.
func TestConnectionHandover(t *testing.T) {
	for _, c := range []struct {
		conn spawn.Conn
		env  []string
	}{
		{spawn.Conn{FD: 9, Address: "192.0.2.7", Port: "4711"}, []string{"REMOTE_ADDR=192.0.2.7", "REMOTE_PORT=4711"}},
		{spawn.Conn{FD: 9}, []string{"REMOTE_ADDR", "REMOTE_PORT"}},
	} {
		want := spawn.Handover{Files: []int{9, 9, 2}, Env: c.env}
		if got := Inetd.Handover(Given{Conn: &c.conn}); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}

// TestFastCGIHandover: the socket is where the protocol says, and nothing is said
// of it, as programs look there for a connection's variables else.
func TestFastCGIHandover(t *testing.T) {
	want := spawn.Handover{Files: []int{8, 1, 2}}
	if got := FastCGI.Handover(Given{Sockets: []activation.Socket{{FD: 8, Name: "php"}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestMasterHandover(t *testing.T) {
	given := Given{Flow: [2]int{20, 21}, Channel: 30, Sockets: []activation.Socket{{FD: 8}, {FD: 5}}}
	for generation, octal := range map[uint64]string{1: "1", 8: "10", 1<<32 + 9: "11", 1<<32 - 1: "37777777777"} {
		given.Generation = generation
		want := spawn.Handover{Files: []int{spawn.Null, 1, 2, 20, 21, 30, 8, 5}, Env: []string{"GENERATION=" + octal}}
		if got := Postfix.Handover(given); !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
}
