package activation_test

import (
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/activation"
)

func TestNotActivated(t *testing.T) {
	o := activate(t, nil)
	if o.Activated || o.Error != "" || len(all(o.Set)) != 0 {
		t.Errorf("got %+v", o)
	}
}

func TestInheritedKinds(t *testing.T) {
	streamPath, streamSA := unixPath(t, "stream")
	seqPath, seqSA := unixPath(t, "seqpacket")
	fifoPath, fifoFD := fifo(t)
	abstract := fmt.Sprintf("@activation-test-%s", streamPath[len(streamPath)-20:])
	port := func(fd int) string {
		sa, err := unix.Getsockname(fd)
		must(t, err)
		if sa, ok := sa.(*unix.SockaddrInet6); ok {
			return fmt.Sprint(sa.Port)
		}
		return fmt.Sprint(sa.(*unix.SockaddrInet4).Port)
	}
	local4, any4 := tcp4(t, 127, 0, 0, 9), tcp4(t, 0, 0, 0, 0)
	local6, mapped6, any6 := tcp6(t, loopback6), tcp6(t, mappedLoopback6), tcp6(t, [16]byte{})
	udp := bound(t, unix.AF_INET, unix.SOCK_DGRAM, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})

	type socket = activation.Socket
	for _, test := range []struct {
		fd   int
		want socket
	}{
		{local4, socket{Name: "local4", Kind: activation.Stream, Family: unix.AF_INET, Protocol: "tcp", Address: "127.0.0.9:" + port(local4)}},
		{any4, socket{Name: "any4", Kind: activation.Stream, Family: unix.AF_INET, Protocol: "tcp", Address: "0.0.0.0:" + port(any4), Remote: true}},
		{local6, socket{Name: "local6", Kind: activation.Stream, Family: unix.AF_INET6, Protocol: "tcp", Address: "[::1]:" + port(local6)}},
		{mapped6, socket{Name: "mapped6", Kind: activation.Stream, Family: unix.AF_INET6, Protocol: "tcp", Address: "[::ffff:127.0.0.1]:" + port(mapped6)}},
		{any6, socket{Name: "any6", Kind: activation.Stream, Family: unix.AF_INET6, Protocol: "tcp", Address: "[::]:" + port(any6), Remote: true}},
		{udp, socket{Name: "udp", Kind: activation.Datagram, Family: unix.AF_INET, Protocol: "udp", Address: "127.0.0.1:" + port(udp)}},
		{listening(t, unix.AF_UNIX, unix.SOCK_STREAM, streamSA), socket{Name: "unix", Kind: activation.Stream, Family: unix.AF_UNIX, Protocol: "unix", Address: streamPath}},
		{listening(t, unix.AF_UNIX, unix.SOCK_SEQPACKET, seqSA), socket{Name: "seq", Kind: activation.SeqPacket, Family: unix.AF_UNIX, Protocol: "unix", Address: seqPath}},
		{listening(t, unix.AF_UNIX, unix.SOCK_STREAM, &unix.SockaddrUnix{Name: abstract}), socket{Name: "abstract", Kind: activation.Stream, Family: unix.AF_UNIX, Protocol: "unix", Address: abstract}},
		{bound(t, unix.AF_UNIX, unix.SOCK_DGRAM, &unix.SockaddrUnix{Name: abstract + "d"}), socket{Name: "dgram", Kind: activation.Datagram, Family: unix.AF_UNIX, Protocol: "unix", Address: abstract + "d"}},
		{fifoFD, socket{Name: "fifo", Kind: activation.FIFO, Protocol: "fifo", Address: fifoPath}},
	} {
		t.Run(test.want.Name, func(t *testing.T) {
			o := activate(t, []int{test.fd}, table(test.want.Name)...)
			if o.Error != "" || !o.Activated || len(o.Set.Workers) != 1 {
				t.Fatalf("got %+v", o)
			}
			got := o.Set.Workers[0]
			got.FD = 0
			if got != test.want {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if len(o.Left) != 0 {
				t.Errorf("left in the environment: %q", o.Left)
			}
		})
	}
}

// MPTCP and VSOCK are there on some kernels only; where they are, they count.
func TestInheritedRareFamilies(t *testing.T) {
	if fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, unix.IPPROTO_MPTCP); err == nil {
		defer unix.Close(fd)
		must(t, unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
		must(t, unix.Listen(fd, 1))
		o := activate(t, []int{fd}, table("mptcp")...)
		if len(o.Set.Workers) != 1 || o.Set.Workers[0].Protocol != "mptcp" || o.Set.Workers[0].Remote {
			t.Errorf("mptcp: got %+v", o)
		}
	}
	if fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0); err == nil {
		defer unix.Close(fd)
		must(t, unix.Bind(fd, &unix.SockaddrVM{CID: unix.VMADDR_CID_ANY, Port: unix.VMADDR_PORT_ANY}))
		must(t, unix.Listen(fd, 1))
		o := activate(t, []int{fd}, table("vsock")...)
		if len(o.Set.Workers) != 1 || o.Set.Workers[0].Protocol != "vsock" || !o.Set.Workers[0].Remote {
			t.Errorf("vsock: got %+v", o)
		}
	}
}

func TestInheritedSortsByName(t *testing.T) {
	var fds []int
	for range 6 {
		fds = append(fds, tcp4(t, 127, 0, 0, 1))
	}
	pidfd, err := unix.PidfdOpen(1, 0)
	must(t, err)
	t.Cleanup(func() { unix.Close(pidfd) })
	fds = append(fds, pidfd, regularFile(t)) // as from the store: not validated
	o := activate(t, fds, table("web", "control", "web", "agent", "status", "availd.socket", "availd.w.7", "availd.state")...)
	if o.Error != "" {
		t.Fatal(o.Error)
	}
	var got []string
	for _, s := range all(o.Set) {
		got = append(got, s.Name)
	}
	want := []string{"web", "web", "availd.socket", "control", "status", "agent", "availd.w.7", "availd.state"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if len(o.Set.Workers) != 3 || len(o.Set.Control) != 1 || len(o.Set.Status) != 1 || len(o.Set.Agent) != 1 || len(o.Set.Stored) != 2 {
		t.Errorf("got %+v", o.Set)
	}
}

func TestInheritedWithoutNames(t *testing.T) {
	fds := []int{tcp4(t, 127, 0, 0, 1), tcp4(t, 127, 0, 0, 1)}
	for _, env := range [][]string{nil, {"LISTEN_FDNAMES=:"}} {
		o := activate(t, fds, append(env, "LISTEN_PID=self", "LISTEN_FDS=2")...)
		if o.Error != "" || len(o.Set.Workers) != 2 || o.Set.Workers[0].Name != "unknown" || o.Set.Workers[1].Name != "unknown" {
			t.Errorf("got %+v", o)
		}
	}
}

// The flag is on the description all workers share, and NonBlocking= set it.
func TestInheritedLeavesFlagsAlone(t *testing.T) {
	blocking, nonblocking := tcp4(t, 127, 0, 0, 1), tcp4(t, 127, 0, 0, 1)
	must(t, unix.SetNonblock(nonblocking, true))
	_, pipe := fifo(t) // non-blocking too, and pollable by the runtime
	o := activate(t, []int{blocking, nonblocking, pipe}, table("blocking", "nonblocking", "fifo")...)
	for name, want := range map[string][2]int{
		"blocking":    {unix.FD_CLOEXEC, 0},
		"nonblocking": {unix.FD_CLOEXEC, unix.O_NONBLOCK},
		"fifo":        {unix.FD_CLOEXEC, unix.O_NONBLOCK},
	} {
		if o.Flags[name] != want {
			t.Errorf("%s: F_GETFD, F_GETFL = %v, want %v", name, o.Flags[name], want)
		}
	}
	flags, err := unix.FcntlInt(uintptr(nonblocking), unix.F_GETFL, 0)
	must(t, err)
	if flags&unix.O_NONBLOCK == 0 {
		t.Error("O_NONBLOCK is gone for the one who passed the socket")
	}
	if len(o.AtOnce) != 3 || len(o.Open) != 3 {
		t.Errorf("open at once: %q, in the end: %q, want just the three", o.AtOnce, o.Open)
	}
}

func TestInheritedSurvivesCollection(t *testing.T) {
	listener := tcp4(t, 127, 0, 0, 1)
	must(t, unix.SetNonblock(listener, true))
	sa, err := unix.Getsockname(listener)
	must(t, err)
	client, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	must(t, err)
	defer unix.Close(client)
	must(t, unix.Connect(client, sa))
	_, err = unix.Write(client, []byte("hello"))
	must(t, err)
	if o := playRole(t, "accept", []int{listener}, table("web")...); o.Accepted["web"] != "hello" {
		t.Errorf("got %+v", o)
	}
}
