//go:build e2e

package bench

import (
	"encoding/binary"
	"fmt"
	"io"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/e2e/bench/rig"
	"github.com/availd/availd/e2e/guest/harness"
)

// TestSpawn: from a connection to the first instructions of the program that
// serves it, against the least there is: vfork and execve in C, with nothing
// else to think of. The connection itself is in both.
func TestSpawn(t *testing.T) {
	const starts, turns, rounds = 10, 15, 5
	ports := map[string]int{}
	var all []string
	for _, protocol := range []string{"inetd", "notify"} {
		own, floor := harness.Port(), harness.Port()
		rig.StartAvaild(t, harness.Availd, own, []string{"--protocol=" + protocol, "--limit=4"}, stamp)
		mode := map[string]string{"inetd": "inetd", "notify": "listen"}[protocol]
		rig.StartListening(t, floor, nil, start, fmt.Sprint(floor), mode, stamp)
		ports["availd "+protocol], ports["C "+protocol] = own, floor
		all = append(all, "availd "+protocol, "C "+protocol)
	}
	series := rig.Series{}
	for range rounds {
		took := map[string][]float64{}
		rig.Rounds(turns, all, func(name string) { // short ones, so that they share what else the machine does
			for range starts {
				took[name] = append(took[name], toFirstInstruction(t, ports[name]))
				time.Sleep(2 * time.Millisecond) // until the dead are reaped: starts of an idle machine are compared
			}
		})
		for name, times := range took {
			series.Add(name, "start", rig.Median(times))
		}
	}
	table := table(t, "Start: from a connection to a program's first instructions")
	for i := 0; i < len(all); i += 2 {
		own, floor := all[i], all[i+1]
		table.AtMost(own, fmt.Sprintf("%.0f µs, in C %.0f µs", series.Median(own, "start"), series.Median(floor, "start")),
			"%v × C"+series.Spread(own, floor, "start"), series.Ratio(own, floor, "start"), 1.3)
	}
}

// toFirstInstruction connects, and returns the µs until the worker's stamp.
func toFirstInstruction(t *testing.T, port int) float64 {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var begin unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &begin); err != nil {
		t.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	var answer [8]byte
	if _, err := io.ReadFull(reader(fd), answer[:]); err != nil {
		t.Fatal(err)
	}
	return float64(int64(binary.NativeEndian.Uint64(answer[:]))-begin.Nano()) / 1e3
}

// reader reads a raw descriptor.
type reader int

func (fd reader) Read(b []byte) (int, error) {
	n, err := unix.Read(int(fd), b)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return max(n, 0), err
}
