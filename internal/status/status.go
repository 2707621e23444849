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
	Idle           int        `json:"idle"`
	Busy           int        `json:"busy"`
	Retiring       int        `json:"retiring"`
	Listening      bool       `json:"listening"`
	Draining       bool       `json:"draining"`
	FullSince      *time.Time `json:"full_since"`
	ThrottledUntil *time.Time `json:"throttled_until"`
	ThrottleReason *string    `json:"throttle_reason"`
	StressUntil    *time.Time `json:"stress_until"`
	LastFailure    *Failure   `json:"last_failure"`
	Demand         Demand     `json:"demand"`
	Warnings       []string   `json:"warnings"`
	Sockets        []Socket   `json:"sockets"`
	Counters       Counters   `json:"counters"`
	Workers        []Worker   `json:"workers"`
	Measures       Measures   `json:"-"`
}

// Demand is what the last 24 hours have needed. Peak is the most workers that
// were busy at once, or would have been: when the pool was full, those that wait
// in the queues count. AdvisedLimit is the limit that would have covered that;
// null = the present one does.
type Demand struct {
	Peak         int     `json:"peak"`
	FullSeconds  float64 `json:"full_s"`
	AdvisedLimit *int    `json:"advised_limit"`
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
}

// Worker is one process of the pool. State is starting, idle, busy or retiring.
type Worker struct {
	PID        int     `json:"pid"`
	Generation uint64  `json:"generation"`
	State      string  `json:"state"`
	Requests   *uint64 `json:"requests"`
	AgeSeconds float64 `json:"age_s"`
	Stress     bool    `json:"stress"`
	Adopted    bool    `json:"adopted"`
	Status     string  `json:"status"`
}
