package try

import (
	"time"

	"github.com/availd/availd/internal/protocol"
)

// Seen is what was seen of the program in one way.
type Seen struct {
	Way *protocol.Protocol `json:"-"`
	// As is the way in words.
	As string `json:"as"`
	// Refused is why the command could not be executed; nothing else is known then.
	Refused string `json:"refused,omitempty"`
	// Exit is how it ended before it was of use, and Output the last line that it wrote.
	Exit   string `json:"exit,omitempty"`
	Output string `json:"output,omitempty"`
	// Waits: it waits for clients at the socket, Start after its start.
	Waits bool          `json:"waits"`
	Start time.Duration `json:"start_ns"`
	// Ready and Reports: it has said READY=1, and X_AVAILD= or, to a master(8), that it is
	// busy.
	Ready   bool `json:"ready"`
	Reports bool `json:"reports"`
	// Elsewhere is an address on which it listens itself.
	Elsewhere string `json:"elsewhere,omitempty"`
	// Background: it has left a process and ended.
	Background bool `json:"background"`

	Processes int   `json:"processes"`
	Threads   int   `json:"threads"` // of all processes
	Files     int   `json:"descriptors"`
	Memory    int64 `json:"memory"` // bytes for itself alone

	// Greeting is what it says before its client does; Answer is the kind of client that got
	// an answer first, and Took how long that took.
	Greeting string        `json:"greeting,omitempty"`
	Answer   string        `json:"answer,omitempty"`
	Took     time.Duration `json:"took_ns"`
	// Reads: it waits for what its client says. Ends: it ends when its client leaves.
	Reads bool `json:"reads"`
	Ends  bool `json:"ends"`
	// Holds is how many silent clients of three it has taken at once.
	Holds int `json:"holds"`
	// Term is what SIGTERM did in the middle of a request.
	Term Term `json:"term,omitempty"`
	// Preload is what --preload was good for.
	Preload Preload `json:"preload"`
}

// Term is what SIGTERM does in the middle of a request.
type Term string

// What it does. "" = that was not seen.
const (
	Finishes Term = "finishes" // and ends then
	Dies     Term = "dies"     // the client loses its connection
	Ignores  Term = "ignores"  // it finishes, and goes on
)

// Preload is what was seen with the shared object.
type Preload struct {
	Tried    bool `json:"tried"`
	Counts   bool `json:"counts"`   // requests were counted exactly
	Template bool `json:"template"` // it served as forks of a template
}

// works reports whether the program serves clients in that way.
func (s Seen) works() bool {
	switch {
	case s.Refused != "" || s.Elsewhere != "" && !s.Waits:
		return false
	case s.Way.PerConnection:
		return s.Reads || s.Greeting != "" && (s.Ends || s.Exit == clean) || s.Answer != ""
	default:
		return s.Waits || s.Ready
	}
}

// clean is the exit of a program that has done its work.
const clean = "exited with status 0"
