package config

import (
	"errors"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"github.com/availd/availd/internal/state"
)

// This file has the values that "availd set" gives options of a running service. They lie
// on top of the configuration, as the command line lies on top of the file, and each is
// good as long as the configuration says of its option what it said when it was set: who
// changes the line afterwards means the line.

// Set is one such value.
type Set struct {
	Option string
	Value  string // as the option takes it
	// Given tells what the configuration said of the option then; see [Config.given].
	Given uint64
}

// Settable returns the names of the options that can be set, in the table's order.
func Settable() (names []string) {
	for i := range table {
		if table[i].Settable {
			names = append(names, table[i].Name)
		}
	}
	return names
}

// Change returns sets as lines of option=value change them; a line without a value takes
// the option's value back. c is the configuration without them. The names are those of the
// lines, in their order. On error, which is always an *Error and reads as that of a
// configuration file but for the place, nothing of lines counts.
func (c *Config) Change(sets []Set, lines string) (changed []Set, names []string, err error) {
	changed = slices.Clone(sets)
	for line := range strings.Lines(lines) {
		e, wrong := parseLine(line)
		if wrong == nil && e.option != nil && !e.option.Settable {
			wrong = &Error{Option: e.option.Name, Value: e.value, Reason: e.option.fixed()}
		}
		if wrong != nil {
			wrong.IsSet = true
			return nil, nil, wrong
		}
		if e.option == nil { // a comment
			continue
		}
		name := e.option.Name
		changed = slices.DeleteFunc(changed, func(s Set) bool { return s.Option == name })
		if e.value != "" {
			changed = append(changed, Set{name, e.value, c.given(name)})
		}
		names = append(slices.DeleteFunc(names, func(n string) bool { return n == name }), name)
	}
	with, err := c.With(changed)
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(changed, func(a, b Set) int { return slices.Index(Settable(), a.Option) - slices.Index(Settable(), b.Option) })
	for i := range changed { // as it would be read back, whatever it was written as
		changed[i].Value = find(changed[i].Option).kind.show(&with)
	}
	return changed, names, nil
}

// fixed says why an option cannot be set.
func (o *Option) fixed() string {
	way := "restart the service"
	if o.Reloadable {
		way = "reload the service"
	}
	return "not possible with availd set; change it in the configuration and " + way + "; availd set takes " + orLast(Settable())
}

// With is c with these values, or says why they do not go together. c is left as it is.
func (c *Config) With(sets []Set) (Config, error) {
	with := *c
	if with.from = maps.Clone(c.from); with.from == nil {
		with.from = origins{}
	}
	entries := make([]entry, 0, len(sets))
	for _, s := range sets {
		option := find(s.Option)
		if option == nil || !option.Settable {
			return Config{}, &Error{Option: s.Option, Reason: unlike(s.Option, table), IsSet: true}
		}
		entries = append(entries, entry{option: option, value: s.Value, isSet: true})
	}
	if err := apply(&with, entries, with.from); err != nil {
		return Config{}, err
	}
	if err := check(with, with.from); err != nil {
		return Config{}, err
	}
	return with, nil
}

// Keep divides sets by whether they are good for c, which has been read anew: outdated are
// those whose line has changed, unfit those that c does not go with any more. The
// configuration wins in both cases.
func (c *Config) Keep(sets []Set) (kept, outdated, unfit []Set) {
	for _, s := range sets {
		if s.Given == c.given(s.Option) {
			kept = append(kept, s)
		} else {
			outdated = append(outdated, s)
		}
	}
	if _, err := c.With(kept); err == nil {
		return kept, outdated, nil
	}
	for i := range kept { // it may be the fault of one
		rest := slices.Delete(slices.Clone(kept), i, i+1)
		if _, err := c.With(rest); err == nil {
			return rest, outdated, kept[i : i+1]
		}
	}
	return nil, outdated, kept
}

// given tells what was given for an option, as it is written, from what may be given for
// it another time; 0 = nothing was.
func (c *Config) given(name string) uint64 {
	e, ok := c.from[name]
	if !ok {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(e.value)) // never fails
	return max(1, h.Sum64())
}

// Value is the value of an option, as the option takes it.
func (c *Config) Value(name string) string { return find(name).kind.show(c) }

// Pack returns s in numbers: where the state is kept there is no room for texts.
func (s Set) Pack() state.Set {
	var c Config
	o := find(s.Option)
	if err := o.kind.set(&c, s.Value); err != nil {
		panic("config: a value that was set is refused: " + err.Error())
	}
	return state.Set{Option: nameHash(s.Option), Given: s.Given, Value: o.kind.number(&c)}
}

var errUnknownSet = errors.New("a value was set for an option that this version does not set")

// Unpack is the reverse of Pack. The error is for an option of another version.
func Unpack(p state.Set) (Set, error) {
	for i := range table {
		if o := &table[i]; o.Settable && nameHash(o.Name) == p.Option {
			return Set{o.Name, o.kind.text(p.Value), p.Given}, nil
		}
	}
	return Set{}, errUnknownSet
}

// nameHash does not depend on the place in the table, which differs between versions.
func nameHash(name string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name))
	return h.Sum64()
}
