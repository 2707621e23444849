// Package config owns the options of "availd run": their names, defaults,
// accepted values and combinations.
//
// One table (table.go) holds every option once. The command-line flags, the
// parser of the configuration file and the help are made from it, and tests
// of the manual pages read it through Options, so that none of them can
// know an option that the others do not.
//
// Load makes a Config from the defaults, then the file, then the command
// line, each overriding the one before. It is called at the start and again
// at every reload with the same command line; Changed then tells what a
// running service cannot take over.
//
// It is not the place where defaults that depend on the environment are
// found: an empty Name, Control or NotifySocket is for the caller to resolve.
// It opens no socket and looks up no host or user.
//
// # Values
//
// Numbers are decimal, without sign, leading zero or separators. Durations
// are time spans as systemd.time(7) writes them. For a duration whose 0 means
// off, "infinity" means the same. An option given twice counts the last time,
// as in unit files; --listen is a list, and the command line's list replaces
// the file's.
//
// # Diagnostics
//
// Panic: the table contradicts itself (a default that its own option refuses).
// Error: always an *Error, naming the option, the value and what is accepted,
// and the file and line when that is where it came from. Nothing is logged.
package config

import "time"

// Protocol is how workers get the sockets and how availd learns who is busy.
type Protocol string

// The values of --protocol.
const (
	ProtocolAuto    Protocol = "auto"
	ProtocolNotify  Protocol = "notify"
	ProtocolQueue   Protocol = "queue"
	ProtocolFastCGI Protocol = "fastcgi"
	ProtocolInetd   Protocol = "inetd"
	ProtocolPostfix Protocol = "postfix"
)

// StressMode is what happens to workers when the pool is full.
type StressMode string

// The values of --stress.
const (
	StressAuto    StressMode = "auto"    // restart or flag, for eligible services
	StressRestart StressMode = "restart" // workers are asked to restart
	StressFlag    StressMode = "flag"    // only new workers are told
	StressOff     StressMode = "off"
)

// Access is whose reports are believed.
type Access string

// The values of --notify-access, named after those of NotifyAccess= in
// systemd.service(5).
const (
	AccessMain Access = "main" // the worker itself
	AccessAll  Access = "all"  // its descendants too
)

// Config is the complete set of options of one service. Durations of 0 are
// "off" or "never" unless the field says otherwise.
type Config struct {
	File     string   // --config; "" = none
	Name     string   // "" = the caller finds the unit's or the command's name
	Listen   []string // host:port, /path or @abstract; empty = inherited sockets
	Protocol Protocol

	Limit       int // most workers; 0 = no limit
	MinSpare    int // idle workers kept ready
	MaxStarting int // unproven workers at once, at least 1

	IdleTimeout time.Duration // 0 = idle workers are never retired
	MaxRequests int           // jobs until a worker is retired; 0 = any number
	MaxLifetime time.Duration

	StartTimeout  time.Duration
	BusyTimeout   time.Duration
	RetireTimeout time.Duration
	StopTimeout   time.Duration // never 0: a stop always ends

	Stress      StressMode
	StressHold  time.Duration // never 0
	Throttle    time.Duration // never 0, at most ThrottleMax
	ThrottleMax time.Duration // never 0

	// RetireSignal is as parseRetireSignal returns it; "" = by protocol.
	// Retire and Signal resolve it.
	RetireSignal string

	WorkerWatchdog time.Duration
	QueueDelay     time.Duration // never 0
	NotifyAccess   Access
	NotifySocket   string // /path or @abstract; "" = the caller chooses
	MaxPerSource   int    // connections per client; 0 = any number
	ExitIdleTime   time.Duration
	Control        string // /path; "" = in the runtime directory, if there is one
	LogLevel       string // debug, info, warn, error
	LogFormat      string // auto, text, journal

	Command []string // never empty, Command[0] never ""
}

// Default returns the configuration without any option and without a command.
func Default() Config { return defaults(table) }

func defaults(options []Option) Config {
	var c Config
	for _, o := range options {
		if o.Default == "" {
			continue
		}
		if err := o.kind.set(&c, o.Default); err != nil {
			panic("config: default of " + o.Name + ": " + err.Error())
		}
	}
	return c
}
