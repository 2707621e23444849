// Package protocol has what is peculiar to each way in which workers get their sockets and
// availd learns who of them is busy: the values of --protocol. A protocol is one value, in a
// file of its own: what its workers are handed, whether and how they report, how they are
// asked to retire, what sockets they can serve, which options it cannot honour and which
// rules of the policy it turns on. Nobody else asks which protocol it is.
//
// A new protocol is a file here and a line in [All].
//
// It is data and arithmetic: nothing here opens, starts or asks anything.
package protocol

import (
	"strings"
	"time"

	"github.com/availd/availd/activation"
	"github.com/availd/availd/policy"
	"github.com/availd/availd/spawn"
)

// All are the protocols in the order in which they are listed; the first is the default.
var All = []*Protocol{Auto, Notify, Queue, FastCGI, Inetd, Postfix}

// Protocol is one of them. It is never written to.
type Protocol struct {
	Name string
	// Programs says which programs want it, for who has chosen none; "" = it is not offered.
	Programs string

	// Datagrams: workers can serve datagram sockets and FIFOs, which have no accept queue:
	// readable means that a job waits.
	Datagrams bool
	// OneSocket says why a service has one listening socket; "" = it may have several.
	OneSocket string
	// NonBlocking makes the listening sockets non-blocking, whatever NonBlocking= says.
	NonBlocking bool
	// Polls: workers were written to poll before they accept. For them the sockets of
	// --listen and of generated units do not block, so that a worker that loses the race for
	// a connection is not stuck and hears its retire signal. Any other program gets sockets
	// as it knows them.
	Polls bool

	// PerConnection: availd accepts, and each worker is started with its connection.
	PerConnection bool
	// Reports: workers have a socket to report to.
	Reports bool
	// Channel: each worker has a status channel to availd, and all share the flow pipe.
	Channel bool
	// Preloads: a shared object can report for the workers.
	Preloads bool
	// FirstSocket is the descriptor of a worker at which its listening sockets begin, or its
	// connection.
	FirstSocket int
	// Infers: who is busy is worked out from the accept queue, until a worker reports.
	Infers bool
	// HearsStress: workers are told of stress in a way that they are known to look at.
	HearsStress bool

	// Retire is the default of --retire-signal; "" = the status channel is shut down.
	Retire string
	// QuiescesUntilReport: with that default, a worker is ended between two connections
	// as long as it has not reported.
	QuiescesUntilReport bool

	// Refuses are the options that cannot be honoured, by name.
	Refuses map[string]Refusal
	// Rules turns on the rules of the policy; nil = there is none beyond those of all.
	Rules func(*policy.Config, Settings)
	// Handover is what one worker is given, or all of a configuration, where it is the same
	// for all (neither PerConnection nor Channel).
	Handover func(Given) spawn.Handover
	// CheckCommand refuses a command that contradicts the number of sockets; nil = none does.
	CheckCommand func(args []string, sockets int) error
}

// Refusal is why an option is refused, and what to use instead ("" = there is nothing).
type Refusal struct{ Why, Instead string }

// Settings are the options that rules depend on.
type Settings struct {
	QueueDelay time.Duration
	// StressAuto: --stress is left to availd, and the command does not tell workers of it.
	StressAuto bool
	// RetireNone: workers are not to be asked to retire.
	RetireNone bool
	// Preload: a shared object reports for the workers.
	Preload bool
}

// Given is what a hand-over is made of. All descriptors stay the caller's.
type Given struct {
	Sockets    []activation.Socket
	Reports    string        // address of the report socket; "" = there is none
	Watchdog   time.Duration // 0 = workers need not say that they are alive
	Generation uint64
	Conn       *spawn.Conn // with PerConnection
	Flow       [2]int      // with Channel, as is:
	Channel    int         // the worker's end
}

// Find returns the protocol of that name, or nil.
func Find(name string) *Protocol {
	for _, p := range All {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Names are those of all.
func Names() (names []string) {
	for _, p := range All {
		names = append(names, p.Name)
	}
	return names
}

// Offers says which programs want which protocol.
func Offers() string {
	var offers []string
	for _, p := range All {
		if p.Programs != "" {
			offers = append(offers, p.Programs+" --protocol "+p.Name)
		}
	}
	last := len(offers) - 1
	return strings.Join(offers[:last], ", ") + ", and " + offers[last]
}

// String is the name; "" for none.
func (p *Protocol) String() string {
	if p == nil {
		return ""
	}
	return p.Name
}

// sourceOption is refused by all who do not accept themselves, preloadOption by those for
// whose workers a shared object cannot report.
const (
	sourceOption  = "max-per-source"
	preloadOption = "preload"
)

// Refusal returns why an option is refused.
func (p *Protocol) Refusal(option string) (Refusal, bool) {
	refusal, refused := p.Refuses[option]
	if option == sourceOption && !p.PerConnection {
		refused = true
		refusal.Why = "only with --protocol=" + Inetd.Name + " does availd see the clients, here the workers accept"
	}
	if option == preloadOption && !p.Preloads {
		refused = true
		refusal.Why = "the shared object is for programs that accept connections and do not report"
	}
	return refusal, refused
}

// Serves reports whether workers can serve a kind of socket.
func (p *Protocol) Serves(k activation.Kind) bool {
	switch k {
	case activation.Stream, activation.SeqPacket:
		return true
	case activation.Datagram, activation.FIFO:
		return p.Datagrams
	}
	return false
}

// SameForAll reports whether all workers of a configuration are handed the same.
func (p *Protocol) SameForAll() bool { return !p.PerConnection && !p.Channel }

// Files is how many descriptors availd has for each worker.
func (p *Protocol) Files() int {
	if p.Channel {
		return 2 // the pidfd and the status channel
	}
	return 1
}
