// Package status is the document that availd shows of a service: on its control
// socket, and through availd status --format=json. Keys are an interface that
// users rely on. What is not known is null, never 0; times are RFC 3339.
//
// It is data and its reading only: how the numbers come about, and where they
// are served, is decided elsewhere.
package status

import "time"

// Service is one service.
type Service struct {
	Name           string     `json:"name"`
	Version        string     `json:"version"`
	Unit           *string    `json:"unit"`
	MainPID        int        `json:"main_pid"`
	StartedAt      time.Time  `json:"started_at"`
	Protocol       string     `json:"protocol"`
	Limit          int        `json:"limit"` // 0 = none
	Total          int        `json:"total"`
	Starting       int        `json:"starting"`
	Idle           Count      `json:"idle"`
	Busy           Count      `json:"busy"`
	Retiring       int        `json:"retiring"`
	Listening      bool       `json:"listening"`
	Draining       bool       `json:"draining"`
	FullSince      *time.Time `json:"full_since"`
	UnservedSince  *time.Time `json:"unserved_since"` // clients wait, and nobody accepts
	ThrottledUntil *time.Time `json:"throttled_until"`
	ThrottleReason *string    `json:"throttle_reason"`
	StressUntil    *time.Time `json:"stress_until"`
	LastFailure    *Failure   `json:"last_failure"`
	Demand         Demand     `json:"demand"`
	Template       *Template  `json:"template"` // null = workers are not forked, or there is none now
	Set            []Set      `json:"set"`
	Warnings       []string   `json:"warnings"`
	Sockets        []Socket   `json:"sockets"`
	Counters       Counters   `json:"counters"`
	RequestTimes   *Times     `json:"request_times"` // null = not measured
	Workers        []Worker   `json:"workers"`
	Measures       Measures   `json:"-"`
	Pending        bool       `json:"-"` // more of it will be known in a moment
}

// Set is an option that "availd set" has given another value than the configuration, as
// the option takes both.
type Set struct {
	Option     string `json:"option"`
	Value      string `json:"value"`
	Configured string `json:"configured"`
}

// Demand is what the last 24 hours have needed. Peak is the most workers that
// were busy at once, or would have been: when the pool was full, those that wait
// in the queues count. AdvisedLimit is the limit with which clients would have waited for
// 20 ms on average, by the requests that came while the pool was full and the time that
// they took; null = the present one is enough, or nobody counts requests.
type Demand struct {
	Peak         int     `json:"peak"`
	FullSeconds  float64 `json:"full_s"`
	AdvisedLimit *int    `json:"advised_limit"`
}

// Template is the process that workers are forked from. Memory is that of a worker, the mean
// of some, in bytes: its share where pages are shared, what is its alone, and what it shares;
// null = it was not looked at, or cannot be.
type Template struct {
	PID           int      `json:"pid"`
	Ready         bool     `json:"ready"`
	AgeSeconds    float64  `json:"age_s"`
	Forks         uint64   `json:"forks"`
	LastFork      *float64 `json:"fork_last_s"` // from the order until the worker was there
	MeanFork      *float64 `json:"fork_mean_s"`
	WorkerMemory  *int64   `json:"worker_pss_bytes"`
	WorkerPrivate *int64   `json:"worker_private_bytes"`
	WorkerShared  *int64   `json:"worker_shared_bytes"`
}

// Failure is the latest bad end of a worker; one of Exit and Signal is null.
type Failure struct {
	At     time.Time `json:"at"`
	Exit   *int      `json:"exit"`
	Signal *int      `json:"signal"`
}

// Socket is one listening socket. Queue is the number of connections that
// nobody has accepted yet, Backlog the most the kernel keeps.
type Socket struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Queue   *int   `json:"queue"`
	Backlog *int   `json:"backlog"`
	// OldestWait is how long the oldest of them has waited; 0 = none waits. OldestBound says
	// that it has waited at least so long: a Unix socket does not tell.
	OldestWait  *float64 `json:"oldest_wait_s"`
	OldestBound bool     `json:"oldest_wait_lower_bound"`
	// Drops counts the connections that the kernel has dropped since the socket was
	// made, most of them because the backlog was full; null = not known.
	Drops *uint64 `json:"drops"`
	// Fault is why clients cannot come by this socket; null = they can.
	Fault *string `json:"fault"`
}

// Faults of a [Socket].
const (
	NotListening = "not_listening" // a process that shares it has shut it down
	PathGone     = "path_gone"     // its path was removed, or is another socket's
)

// FaultText is a fault in words that follow the name of the socket.
func FaultText(fault string) string {
	switch fault {
	case NotListening:
		return "DOWN: clients are refused"
	case PathGone:
		return "UNREACHABLE: its path is gone"
	default:
		return "FAULTY: " + fault
	}
}

// Faulty is the first socket with a fault, nil = there is none.
func (s *Service) Faulty() *Socket {
	for i := range s.Sockets {
		if s.Sockets[i].Fault != nil {
			return &s.Sockets[i]
		}
	}
	return nil
}

// Counters count since the service began; an upgrade or a crash of availd does
// not begin them again.
type Counters struct {
	Spawned             uint64  `json:"spawned"`
	SpawnFailures       uint64  `json:"spawn_failures"`
	Exited              uint64  `json:"exited"`
	BadStarts           uint64  `json:"bad_starts"`
	Killed              uint64  `json:"killed"`
	Requests            *uint64 `json:"requests"`
	LimitReached        uint64  `json:"limit_reached"`
	Throttles           uint64  `json:"throttles"`
	StressEpisodes      uint64  `json:"stress_episodes"`
	RejectedReports     uint64  `json:"rejected_reports"`
	RejectedConnections uint64  `json:"rejected_connections"`
	UnknownExits        uint64  `json:"unknown_exits"`
	Adopted             uint64  `json:"adopted"`
	Abandoned           uint64  `json:"abandoned"` // clients that hung up while they waited
	TemplateFailures    uint64  `json:"template_failures"`
	Slow                uint64  `json:"slow"`
	TooLarge            uint64  `json:"too_large"`
}

// Worker is one process of the pool. State is starting, idle, busy or retiring.
type Worker struct {
	PID        int     `json:"pid"`
	Generation uint64  `json:"generation"`
	State      string  `json:"state"`
	Requests   *uint64 `json:"requests"`
	// BusySeconds is for how long it has been at its request; null = it is at none, or that
	// is not known.
	BusySeconds *float64 `json:"busy_s"`
	// Doing is what it was seen to do when that request had taken as long as slow-after=, as the
	// event "slow" has it; null = it has not taken so long, or is over.
	Doing      *string `json:"doing"`
	AgeSeconds float64 `json:"age_s"`
	// Memory is what it takes for itself, in bytes; null = that is not known.
	Memory  *int64 `json:"memory_bytes"`
	Stress  bool   `json:"stress"`
	Adopted bool   `json:"adopted"`
	Status  string `json:"status"`
}

// startPatience is how long a start may take while clients wait until that is taken for
// a fault, as long as the default of --start-timeout.
const startPatience = 30 * time.Second

// Unserved reports whether clients wait for nobody: for workers that are there and do not
// accept, or that take longer to start than any may.
func (s *Service) Unserved() bool {
	return s.UnservedSince != nil && (s.Starting == 0 || time.Since(*s.UnservedSince) > startPatience)
}

// overflows reports whether the queue has no room: the kernel drops who comes now, and
// the client tries again or is refused.
func (s *Socket) overflows() bool {
	return s.Queue != nil && s.Backlog != nil && *s.Backlog > 0 && *s.Queue > *s.Backlog
}

// Overflowing is the first socket whose queue has no room, nil = there is none.
func (s *Service) Overflowing() *Socket {
	for i := range s.Sockets {
		if s.Sockets[i].overflows() {
			return &s.Sockets[i]
		}
	}
	return nil
}

// Waiting is how many connections nobody has accepted yet, nil if that is not known of
// one of the sockets.
func (s *Service) Waiting() *int {
	sum := 0
	for _, sock := range s.Sockets {
		if sock.Queue == nil {
			return nil
		}
		sum += *sock.Queue
	}
	return &sum
}

// Puzzling reports whether clients wait for no reason that is known, which another look a
// moment later may tell.
func (s *Service) Puzzling() bool {
	waiting := s.Waiting()
	return waiting != nil && *waiting > 0 && s.UnservedSince == nil && s.FullSince == nil && s.ThrottledUntil == nil && !s.Draining
}
