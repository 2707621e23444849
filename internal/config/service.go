package config

import (
	"errors"
	"slices"
)

// A Service is what a file says of a whole service: one with a command.
type Service struct {
	Config
	// Settings are the options of run in it, without those that are the units' affair.
	Settings []Setting
	// Mistakes are all that is wrong in the file, in its order. What they are about is
	// left out of the rest.
	Mistakes []*Error

	entries []entry
}

// notInUnits are the options of run that mean something else to a service of one file.
var notInUnits = []string{"listen", "config", "name"}

// ReadService reads a file as whole as it can be read, for the generator: each line that
// is wrong is a mistake, and the others count. found is false for a file that has no
// command, which is the plain configuration of a unit that somebody else has written.
// An error is that the file cannot be read.
func ReadService(name string) (s Service, found bool, err error) {
	data, err := slurp(name)
	if err != nil {
		return s, false, err
	}
	entries, mistakes := parseLines(name, data)
	for _, m := range mistakes {
		found = found || m.Option == commandKey
	}
	s = Service{Config: Default(), Mistakes: mistakes}
	s.OneFile = true
	from := origins{}
	for _, e := range entries {
		found = found || e.option.Name == commandKey
		s.take(e, from)
	}
	if !found {
		return Service{}, false, nil
	}
	s.File = name
	var contradiction *Error
	if errors.As(check(s.Config, from), &contradiction) {
		s.Mistakes = append(s.Mistakes, contradiction)
	}
	slices.SortStableFunc(s.Mistakes, func(a, b *Error) int { return a.Line - b.Line })
	return s, true, nil
}

func (s *Service) take(e entry, from origins) {
	name := e.option.Name
	if err := e.option.kind.set(&s.Config, e.value); err != nil {
		s.Mistakes = append(s.Mistakes, e.fault(err.Error(), e.option.kind.accepts))
		return
	}
	from[name] = e
	s.entries = append(s.entries, e)
	if !isUnitKey(name) && !slices.Contains(notInUnits, name) {
		s.Settings = append(s.Settings, Setting{Name: name, Value: e.value}.InWords())
	}
}

// Fault is an error of the file about the last line that gives a key that value, "" = any;
// about the file as a whole where there is none.
func (s *Service) Fault(key, value, reason string) *Error {
	for _, e := range slices.Backward(s.entries) {
		if e.option.Name == key && (value == "" || e.value == value) {
			return &Error{File: s.File, Line: e.line, Reason: reason}
		}
	}
	return &Error{File: s.File, Reason: reason}
}
