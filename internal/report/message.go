package report

// Availability is what a datagram says of the sender's room for work.
type Availability int8

const (
	None     Availability = iota // nothing was said
	Idle                         // X_AVAILD=idle
	Busy                         // X_AVAILD=busy
	Nonsense                     // X_AVAILD with any other value
)

// String returns the word used in log lines.
func (a Availability) String() string {
	switch a {
	case None:
		return "none"
	case Idle:
		return "idle"
	case Busy:
		return "busy"
	default:
		return "nonsense"
	}
}

// Message is one datagram. The sender is what the kernel says; all the rest
// is what the sender claims.
type Message struct {
	PID int    // of the sender, from SCM_CREDENTIALS; 0 = in no namespace of ours
	UID uint32 // of the sender, from SCM_CREDENTIALS
	// Sent is when it was sent, in nanoseconds of the wall clock since 1970
	// (SO_TIMESTAMPNS of socket(7)); 0 = not known. That clock may be set at any time.
	Sent int64
	// Descriptors says that some came along, so that the sender may wait until they are closed.
	Descriptors bool
	Inode       uint64 // of the sender's pidfd, never reused in one boot; 0 = unknown (before Linux 6.9, or without doubt)

	Ready    bool // READY=1
	Stopping bool // STOPPING=1
	Watchdog bool // WATCHDOG=1
	Trigger  bool // WATCHDOG=trigger
	Barrier  bool // BARRIER=1; its descriptor is about to be closed, see [Socket.Receive]

	Avail Availability
	Jobs  int // clients held now; -1 = not said
	Done  int // jobs finished since the last report; -1 = not said

	Status    string // printable UTF-8 of at most worker.MaxStatus bytes, safe for terminals
	HasStatus bool   // STATUS= was there, perhaps empty

	// Malformed is empty, or the reason why the datagram cannot be
	// understood. Then nothing but the sender is set.
	Malformed string
}

// The reasons of Malformed. Constants, so that a flood of rubbish costs
// nothing and a caller may count by reason.
const (
	tooLong       = "longer than 4096 bytes"
	empty         = "empty"
	notText       = "not text"
	noCredentials = "without credentials"
	badJobs       = "X_AVAILD_JOBS is not a number from 0 to 1000000"
	badDone       = "X_AVAILD_DONE is not a number from 0 to 1000000"
)

// clear forgets what was said, and leaves who said it.
func (m *Message) clear() {
	*m = Message{PID: m.PID, UID: m.UID, Sent: m.Sent, Inode: m.Inode, Descriptors: m.Descriptors, Jobs: -1, Done: -1}
}

// spoil makes m a message of which nothing is to be believed.
func (m *Message) spoil(reason string) {
	m.clear()
	m.Malformed = reason
}
