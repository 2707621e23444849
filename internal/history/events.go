package history

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/availd/availd/internal/prose"
)

// Sizes of what is kept of messages. A text that is longer is cut off.
const (
	maxEvents  = 50
	eventSize  = 400
	eventsSize = maxEvents * eventSize

	eventHead = 40
	maxName   = 48
)

// Event is a message about the service. Several in a row of one kind are one, with the text
// of the latest.
type Event struct {
	At       time.Time `json:"at"`
	Since    time.Time `json:"since"` // the first of them
	Times    int       `json:"times"`
	Severity string    `json:"severity"` // info, warning or error
	Event    string    `json:"event"`
	Reason   string    `json:"reason"`
	Text     string    `json:"text"`
}

// severities are in the order of their numbers in memory.
var severities = []string{"info", "warning", "error"}

// Events are the latest messages. Unlike [History] it may be used by any goroutine, and the
// zero value keeps what is noted until there is memory for it.
type Events struct {
	mu      sync.Mutex
	memory  []byte  // records, found by their number; nil = there is none yet
	pending []Event // noted before that
	newest  Event
	number  uint64 // of it, from 1 on; 0 = there is none
}

// Keep takes over what is in memory, which is that of a [History], and goes on in it.
func (e *Events) Keep(memory []byte) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.memory = memory[Size-eventsSize:]
	for number, ev := range e.all() {
		if number > e.number {
			e.number, e.newest = number, ev
		}
	}
	for _, ev := range e.pending {
		e.add(ev)
	}
	e.pending = nil
}

// Note keeps a message. severity is one of those of an [Event].
func (e *Events) Note(at time.Time, severity, event, reason, text string) {
	ev := Event{
		At: at, Since: at, Times: 1, Severity: severity, Event: prose.PrintableBytes(event, maxName), Reason: prose.PrintableBytes(reason, maxName),
		Text: prose.PrintableBytes(text, eventSize-eventHead-2*maxName),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.memory != nil {
		e.add(ev)
		return
	}
	if e.pending = append(e.pending, ev); len(e.pending) > maxEvents {
		e.pending = slices.Delete(e.pending, 0, 1)
	}
}

func (e *Events) add(ev Event) {
	if n := &e.newest; e.number > 0 && ev.Event != "" && n.Event == ev.Event && n.Reason == ev.Reason && n.Severity == ev.Severity {
		ev.Since, ev.Times = n.Since, n.Times+ev.Times
	} else {
		e.number++
	}
	e.newest = ev
	at := int((e.number - 1) % maxEvents)
	writeEvent(e.memory[at*eventSize:][:eventSize], e.number, &ev)
}

// all are the records in their places. What was never written is not touched.
func (e *Events) all() iter.Seq2[uint64, Event] {
	return func(yield func(uint64, Event) bool) {
		for i := range maxEvents {
			b := e.memory[i*eventSize:][:eventSize]
			number, ev, ok := readEvent(b)
			if !ok && binary.LittleEndian.Uint64(b[8:]) == 0 || ok && !yield(number, ev) {
				return
			}
		}
	}
}

// Latest returns them, newest first.
func (e *Events) Latest() []Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.memory == nil {
		all := slices.Clone(e.pending)
		slices.Reverse(all)
		return all
	}
	type numbered struct {
		number uint64
		Event
	}
	var found []numbered
	for number, ev := range e.all() {
		found = append(found, numbered{number, ev})
	}
	slices.SortFunc(found, func(a, b numbered) int { return cmp.Compare(b.number, a.number) })
	all := make([]Event, 0, len(found))
	for _, f := range found {
		all = append(all, f.Event)
	}
	return all
}

// writeEvent: checksum, times, number, the two moments, severity and the lengths of the
// texts, then those.
func writeEvent(b []byte, number uint64, ev *Event) {
	binary.LittleEndian.PutUint32(b[4:], uint32(min(ev.Times, 1<<31)))
	binary.LittleEndian.PutUint64(b[8:], number)
	binary.LittleEndian.PutUint64(b[16:], uint64(ev.Since.UnixNano()))
	binary.LittleEndian.PutUint64(b[24:], uint64(ev.At.UnixNano()))
	b[32] = byte(max(slices.Index(severities, ev.Severity), 0))
	b[33], b[34] = byte(len(ev.Event)), byte(len(ev.Reason))
	binary.LittleEndian.PutUint16(b[36:], uint16(len(ev.Text)))
	n := copy(b[eventHead:], ev.Event)
	n += copy(b[eventHead+n:], ev.Reason)
	copy(b[eventHead+n:], ev.Text)
	binary.LittleEndian.PutUint32(b, checksum(b[4:]))
}

func readEvent(b []byte) (number uint64, ev Event, ok bool) {
	event, reason, text := int(b[33]), int(b[34]), int(binary.LittleEndian.Uint16(b[36:]))
	if binary.LittleEndian.Uint32(b) != checksum(b[4:]) || eventHead+event+reason+text > eventSize || int(b[32]) >= len(severities) {
		return 0, ev, false
	}
	at := func(from int) time.Time { return time.Unix(0, int64(binary.LittleEndian.Uint64(b[from:]))) }
	rest := string(b[eventHead : eventHead+event+reason+text])
	return binary.LittleEndian.Uint64(b[8:]), Event{
		Since: at(16), At: at(24), Times: int(binary.LittleEndian.Uint32(b[4:])), Severity: severities[b[32]],
		Event: rest[:event], Reason: rest[event : event+reason], Text: rest[event+reason:],
	}, true
}
