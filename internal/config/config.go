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
// running service cannot take over. What "availd set" has given other values comes on top
// of that: Change and Keep make the list of these, With is a Config with them.
//
// It is not the place where defaults that depend on the environment are
// found: an empty Name, Control or NotifySocket is for the caller to resolve.
// It opens no socket and looks up no host or user.
//
// # Values
//
// Numbers are decimal, without sign, leading zero or separators. Durations
// are time spans as systemd.time(7) writes them. Where 0 is no amount there is a word
// for it, never or unlimited, which is what help, messages and generated files say; a
// duration takes "infinity" for it, too. An option given twice counts the last time,
// as in unit files; --listen is a list, and the command line's list replaces
// the file's.
//
// # Diagnostics
//
// Panic: the table contradicts itself (a default that its own option refuses).
// Error: always an *Error, naming the option, the value and what is accepted,
// and the file and line when that is where it came from. Nothing is logged.
package config

import (
	"slices"
	"time"

	"github.com/availd/availd/internal/protocol"
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

// TemplateMode is how workers are started.
type TemplateMode string

// The values of --template.
const (
	TemplateOff     TemplateMode = "off"     // each by executing the command
	TemplateWorker  TemplateMode = "worker"  // forked by one process of the command, which knows the contract
	TemplatePreload TemplateMode = "preload" // … which availd's shared object makes a template
)

// Config is the complete set of options of one service. Durations of 0 are
// "off" or "never" unless the field says otherwise.
type Config struct {
	File     string             // --config; "" = none
	Name     string             // "" = the caller finds the unit's or the command's name
	Listen   []string           // host:port, /path or @abstract; empty = inherited sockets
	Protocol *protocol.Protocol // how workers get the sockets and how availd learns who is busy
	Template TemplateMode
	// Preload is PreloadDefault, the path of a shared object, or "no"; see Preloads.
	Preload string

	Limit         int  // most workers; 0 = no limit
	MinSpare      int  // idle workers kept ready
	MaxStarting   int  // unproven workers at once, at least 1
	StartingApart bool // … without those that wait: MaxStarting is auto

	IdleTimeout  time.Duration // 0 = idle workers are never retired
	MaxRequests  int           // jobs until a worker is retired; 0 = any number
	MaxLifetime  time.Duration
	MaxMemory    int64          // bytes of a worker; 0 = any number
	TemplateIdle *time.Duration // nil = ten times IdleTimeout; 0 = never. TemplateLeaves resolves it

	StartTimeout  time.Duration
	BusyTimeout   time.Duration
	SlowAfter     time.Duration
	RetireTimeout time.Duration
	DumpTimeout   time.Duration
	StopTimeout   time.Duration // never 0: a stop always ends

	Stress      StressMode
	StressHold  time.Duration // never 0
	Throttle    time.Duration // never 0, at most ThrottleMax
	ThrottleMax time.Duration // never 0

	// RetireSignal is as parseRetireSignal returns it; "" = by protocol.
	// Retire and Signal resolve it.
	RetireSignal string

	SlowSignal     string // SlowNone, or a signal as parseRetireSignal returns it; see SlowNumber
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

	// OneFile: the file has a command, and so describes a whole service, of which the
	// generator makes units.
	OneFile bool
	// ListenOfUnit: Listen is what the socket unit was made of; for use without systemd
	// otherwise.
	ListenOfUnit bool
	// ExitIdleByDefault: nobody has asked for ExitIdleTime, which is for services without
	// spares that a socket unit starts again.
	ExitIdleByDefault bool
	Units             UnitKeys

	from origins // nil = no option was given
}

// Default returns the configuration without any option and without a command.
func Default() Config { return defaults(slices.Concat(table, unitTable)) }

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

// templateIdleTimes is how many times IdleTimeout a template stays without a worker.
const templateIdleTimes = 10

// TemplateLeaves is how long the template stays after the last worker; 0 = for ever.
func (c *Config) TemplateLeaves() time.Duration {
	if c.TemplateIdle != nil {
		return *c.TemplateIdle
	}
	return templateIdleTimes * c.IdleTimeout
}
