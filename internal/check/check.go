// Package check says what is wrong with the set-up of a service: facts in, findings out.
// The facts are its unit files, its configuration, and what was seen of the machine and of
// the running service; package survey gathers them.
//
// It is pure: it opens, starts and asks nothing, so that every mistake that it knows is a
// row of a table in its tests.
//
// # Diagnostics
//
// An error is something with which the service cannot serve, or not serve its clients; a
// warning is something that works until a crash, a restart or a full pool shows that it
// does not. What cannot be told from the facts is no finding.
package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/availd/availd/internal/config"
	"github.com/availd/availd/internal/status"
)

// Severity is how bad a finding is; its number is the exit status of availd check.
type Severity int

// Severities.
const (
	OK Severity = iota
	Warning
	Error
)

func (s Severity) String() string { return [...]string{"ok", "warning", "error"}[s] }

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Finding is one line of the outcome.
type Finding struct {
	Severity Severity `json:"severity"`
	// ID names the kind of finding. It does not change between versions.
	ID string `json:"id"`
	// Line is the line to write or to change, "" where there is none; Section is where in
	// the unit it belongs, and In the unit or the file.
	Line    string `json:"line,omitempty"`
	Section string `json:"section,omitempty"`
	In      string `json:"in,omitempty"`
	// Place is FILE:LINE of what is there now, "" if nothing is.
	Place string `json:"place,omitempty"`
	// Text is what is so, what that costs, and what to do.
	Text string `json:"text"`
}

// String is the line that is printed.
func (f Finding) String() string { return f.Severity.String() + ": " + f.Complaint() }

// Complaint is String without the severity.
func (f Finding) Complaint() string {
	var b strings.Builder
	if f.Line != "" {
		b.WriteString(f.Line)
		if f.Section != "" {
			b.WriteString(" in [" + f.Section + "]")
		}
		if f.In != "" {
			b.WriteString(" of " + f.In)
		}
		b.WriteString(": ")
	} else if f.In != "" {
		b.WriteString(f.In + ": ")
	}
	b.WriteString(f.Text)
	if f.Place != "" {
		b.WriteString(" (" + f.Place + ")")
	}
	return b.String()
}

// Facts are all that is known of a service. Parts that are nil were not looked at.
type Facts struct {
	Name     string // of the service, without .service
	ConfOnly bool   // there is a configuration, and no unit
	Service  Unit
	Sockets  []Unit // those that activate it
	Run      Run    // what ExecStart= says
	RunErr   error  // why that is not known
	// Config is what Run and its file amount to, ConfigErr why that is not known.
	Config    config.Config
	ConfigErr error

	Machine *Machine
	State   *State
	// Status is what the running service says of itself; Denied: this user may not ask.
	Status *status.Service
	Denied bool
	// Unserved is how long clients have waited for nobody.
	Unserved time.Duration
	// Stray are workers that listen somewhere else than on the service's sockets.
	Stray []Stray
}

// Stray is a worker with a listening socket of its own.
type Stray struct {
	PID     int
	Address string
}

// State is what systemd says of the units now.
type State struct {
	Active, Sub, Result string // of the service
	ExitStatus          int    // of its main process, when it failed
	NeedsReload         bool   // its files, or those of a socket, have changed since systemd read them
	Sockets             map[string]SocketState
}

// SocketState is what systemd says of a socket unit.
type SocketState struct {
	Active, Result, Enabled string
}

// report collects the findings about one area.
type report struct{ all []Finding }

func (r *report) add(f Finding) { r.all = append(r.all, f) }

// setting reports a line of a unit: what it should be, and where it stands now.
func (r *report) setting(s Severity, id string, u *Unit, section, line, format string, args ...any) {
	key, _, _ := strings.Cut(line, "=")
	f := Finding{Severity: s, ID: id, Line: line, Section: section, In: u.Name, Text: fmt.Sprintf(format, args...)}
	if now, ok := u.last(key); ok {
		f.Place = now.place()
	}
	if u.Conf != "" && section != "Socket" { // systemd makes the unit anew of that file
		f.Line, f.Section, f.In = "property="+line, "", u.Conf
	}
	r.add(f)
}

// about reports something that no line of a unit fixes.
func (r *report) about(s Severity, id, what, format string, args ...any) {
	r.add(Finding{Severity: s, ID: id, In: what, Text: fmt.Sprintf(format, args...)})
}

// area is a group of rules that has one line when all is well.
type area struct {
	id    string
	rules func(f *Facts, r *report)
	// fine is the text of that line; "" = the area says nothing about this service.
	fine func(f *Facts) string
}

var areas = []area{
	{"configuration", configuration, func(f *Facts) string {
		return fmt.Sprintf("the configuration is accepted: protocol=%s, limit=%d", f.Config.Protocol, f.Config.Limit)
	}},
	{"command", command, func(f *Facts) string {
		if f.Machine == nil {
			return ""
		}
		return f.Run.Command[0] + " can be executed by " + f.Machine.who()
	}},
	{"sockets", sockets, func(f *Facts) string {
		return "the sockets suit the protocol: " + strings.Join(f.addresses(), ", ")
	}},
	{"unit", unit, func(f *Facts) string {
		return "the settings of the unit suit availd: workers survive a crash, and a stop leaves nothing behind"
	}},
	{"limits", bounds, func(f *Facts) string {
		return fmt.Sprintf("nothing that is set keeps the pool from %s workers", limitText(f.Config.Limit))
	}},
	{"confinement", confinement, func(f *Facts) string {
		return "the confinement hides nothing that the unit names"
	}},
	{"kernel", kernel, func(f *Facts) string {
		if f.Machine == nil {
			return ""
		}
		return "the kernel, and the filter of system calls, have what availd needs"
	}},
	{"service", running, func(f *Facts) string {
		switch {
		case f.State == nil:
			return ""
		case f.Denied:
			return "how it runs may not be asked by this user: run as root"
		case f.Status == nil:
			return "it is not started; its socket waits for the first client"
		}
		return fmt.Sprintf("it runs: %d workers, nobody waits in vain", f.Status.Total)
	}},
}

// Findings are those about a service: for each area what is wrong, or that nothing is.
// What cannot be looked at after an error, as it depends on it, is left out.
func Findings(f Facts) (all []Finding) {
	for _, a := range areas {
		if a.id != "configuration" && (f.Config.Protocol == nil || f.ConfOnly) {
			continue
		}
		r := &report{}
		a.rules(&f, r)
		all = append(all, r.all...)
		if r.all != nil || f.Config.Protocol == nil {
			continue
		}
		if text := a.fine(&f); text != "" {
			all = append(all, Finding{ID: a.id, In: f.Name, Text: text})
		}
	}
	return all
}

// Worst is the severity of the worst finding.
func Worst(all []Finding) (worst Severity) {
	for _, f := range all {
		worst = max(worst, f.Severity)
	}
	return worst
}

func limitText(limit int) string {
	if limit == 0 {
		return "any number of"
	}
	return fmt.Sprint(limit)
}

// onReload are the areas that a reload asks about: what the service takes over by it. Its
// sockets and its state are as they are.
var onReload = []string{"configuration", "command", "confinement"}

// Errors are the errors for which a reload is to be refused.
func Errors(f Facts) (all []Finding) {
	for _, a := range areas {
		if f.Config.Protocol == nil || !slices.Contains(onReload, a.id) {
			continue
		}
		r := &report{}
		a.rules(&f, r)
		for _, finding := range r.all {
			if finding.Severity == Error && finding.ID != wrongID { // a reload does not change the protocol
				all = append(all, finding)
			}
		}
	}
	return all
}
