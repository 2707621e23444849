package template

import (
	"bytes"
	"strconv"

	"github.com/availd/availd/internal/prose"
)

// MaxPacket bounds one packet in either direction, in bytes. A longer one of the
// template is cut off by the kernel, and malformed.
const MaxPacket = 4096

// MaxReason bounds what is kept of the reason of a refused fork, in bytes.
const MaxReason = 256

// maxThreads bounds what a template may say of its threads: more than a kernel has.
const maxThreads = 1 << 22

// Order asks a template for one worker.
type Order struct {
	Generation uint64
	// Env are variables, NAME=value, that the worker sets before all else. A value has
	// no line end: whoever writes one breaks the packet.
	Env []string
}

// Append appends the packet of o to b and returns it.
func (o Order) Append(b []byte) []byte {
	b = append(b, "FORK="...)
	b = strconv.AppendUint(b, o.Generation, 10)
	for _, v := range o.Env {
		b = append(append(b, '\n'), v...)
	}
	return b
}

// Kind is what a packet of the template's side says.
type Kind uint8

// The kinds of packets.
const (
	// Malformed is none of the contract.
	Malformed Kind = iota
	// Ready: everything is loaded, orders may come. Of the template itself only.
	Ready
	// Forked: the sender is the worker of the order with that generation ("BORN=").
	Forked
	// Failed: the order with that generation was refused; Reason says why.
	Failed
	// Refused: the shared object of preload cannot make the program a template, which is an
	// interpreter; Reason is its language. It is no part of the contract for programs.
	Refused
)

// Message is one packet of the template's side, and who has sent it.
type Message struct {
	Kind       Kind
	Generation uint64
	Reason     string // printable, at most MaxReason bytes
	// Threads is how many threads are the runtime's own, which a fork has anew ("THREADS=",
	// a second line of READY=1); 0 = the template does not say.
	Threads int

	// PID and UID are the sender's by the kernel; PID 0 = it does not tell.
	PID int
	UID uint32
	// PIDFD is the sender's pidfd, close-on-exec and the receiver's; -1 = the kernel gave
	// none (before Linux 6.5), or the sender was gone and collected already.
	PIDFD int
}

// Parse reads what a packet says. The fields about the sender stay as they are. It
// accepts one line end at the end, as programs write it by habit.
func Parse(data []byte, m *Message) {
	m.Kind, m.Generation, m.Reason, m.Threads = Malformed, 0, "", 0
	data = bytes.TrimSuffix(data, []byte("\n"))
	name, value, _ := bytes.Cut(data, []byte("="))
	switch string(name) {
	case "READY":
		one, threads, more := bytes.Cut(value, []byte("\n"))
		if n, ok := threadsOf(threads); string(one) == "1" && ok == more {
			m.Kind, m.Threads = Ready, n
		}
	case "BORN":
		if n, ok := generation(value); ok {
			m.Kind, m.Generation = Forked, n
		}
	case "REFUSED":
		m.Kind, m.Reason = Refused, prose.PrintableBytes(string(value), MaxReason)
	case "FAILED":
		number, reason, _ := bytes.Cut(value, []byte(" "))
		if n, ok := generation(number); ok {
			m.Kind, m.Generation, m.Reason = Failed, n, prose.PrintableBytes(string(reason), MaxReason)
		}
	}
}

// threadsOf reads the second line of READY=1.
func threadsOf(line []byte) (int, bool) {
	text, found := bytes.CutPrefix(line, []byte("THREADS="))
	n, ok := generation(text)
	return int(min(n, maxThreads)), found && ok
}

// generation reads a decimal number without sign and leading zeros, from 1 on.
func generation(text []byte) (uint64, bool) {
	if len(text) == 0 || len(text) > 20 || text[0] < '1' || text[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text), 10, 64)
	return n, err == nil
}
