package state

import (
	"encoding/binary"
	"math"
	"reflect"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// written is a state with a service and three workers, as bytes.
func written(f *testing.F) []byte {
	f.Helper()
	s, err := Create()
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	s.SetService(Service{Generation: 3, Throttled: 1, Reported: 1})
	s.SetService(Service{Generation: 4, StressUntil: -1})
	for g := range uint64(3) {
		slot, err := s.Intend(g+2, int64(g)*1000, g == 1)
		if err != nil {
			f.Fatal(err)
		}
		s.Started(slot, 100+int(g), g)
		s.Mark(slot, Mark{State: 1, Held: 7, Finished: 9, Told: g == 2})
	}
	return append([]byte(nil), s.memory[:headerSize+2*serviceSize+8*slotSize]...)
}

// FuzzOpen opens any content, and content of ours with bytes changed and the checksums
// made right again, for reading and for going on.
func FuzzOpen(base *testing.F) {
	f := testutil.Fuzz(base)
	good := written(base)
	f.Add(good, []byte{}, false)
	f.Add(good[:headerSize+2*serviceSize], []byte{}, true)
	f.Add(good[:headerSize], []byte{20, 0, 128}, true)
	f.Add(good, []byte{20, 0, 0x81, 24, 0, 1, 40, 8, 0xff}, true)
	f.Add(good, []byte{16, 0, 2}, true)
	f.Add([]byte("\x00availD1 is not what it begins with"), []byte{}, false)
	f.Fuzz(func(t *testing.T, content, changes []byte, right bool) {
		content = append([]byte(nil), content...)
		for ; len(changes) >= 3; changes = changes[3:] {
			if at := int(binary.LittleEndian.Uint16(changes)); at < len(content) {
				content[at] = changes[2]
			}
		}
		if right {
			rightSums(content)
		}
		view, err := View(memfd(t, content))
		if err == nil {
			_, _ = view.Service()
			_ = view.Records()
			view.Close()
		}
		s, errOpen := Open(memfd(t, content))
		if (err == nil) != (errOpen == nil) {
			t.Fatalf("to be read: %v; to go on: %v", err, errOpen)
		}
		if errOpen == nil {
			goOn(t, s)
			s.Close()
		}
	})
}

// rightSums makes the checksums of the parts right, as far as they are there.
func rightSums(b []byte) {
	if len(b) < headerSize {
		return
	}
	order := binary.LittleEndian
	order.PutUint64(b[8:], magic)
	order.PutUint32(b[0:], checksum(b[8:headerSize]))
	slot, service := int(order.Uint32(b[20:])), int(order.Uint32(b[24:]))
	if slot < slotSize || slot > 1<<16 || service < leastService || service > 1<<16 || len(b) < headerSize+2*service {
		return
	}
	for i := range 2 {
		c := b[headerSize+i*service:][:service]
		order.PutUint32(c, checksum(c[8:]))
	}
	for s := b[headerSize+2*service:]; len(s) >= slot; s = s[slot:] {
		if order.Uint32(s) != 0 {
			order.PutUint32(s, checksum(s[intentFrom:intentTo])|1)
			order.PutUint32(s[spawnedSum:], startChecksum(s))
		}
	}
}

func memfd(t *testing.T, content []byte) int {
	fd, err := unix.MemfdCreate("fuzz", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	for rest := content; len(rest) > 0; {
		n, err := unix.Write(fd, rest)
		if err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
	}
	return fd
}

// goOn does what the next availd does with a state: it reads all, and writes more.
func goOn(t *testing.T, s *File) {
	before := s.Records()
	for _, r := range before {
		if r.PID < 0 || r.PID > math.MaxInt32 {
			t.Fatalf("no process has the number %d", r.PID)
		}
		s.Mark(r.Slot, r.Mark)
		s.Started(r.Slot, r.PID, r.Start)
	}
	if again := s.Records(); len(before) > 0 && len(again) != len(before) {
		t.Fatalf("%v became %v", before, again)
	}
	_, _ = s.Service()
	want := Service{Generation: 77, Counters: [16]uint64{1, 2, 3}}
	s.SetService(want)
	s.SetService(want)
	if got, ok := s.Service(); !ok || got.Generation != want.Generation || got.Counters != want.Counters {
		t.Fatalf("written %+v, read %+v, %t", want, got, ok)
	}
	for g := range uint64(70) {
		slot, err := s.Intend(1000+g, 5, true)
		if err != nil {
			t.Fatal(err)
		}
		s.Started(slot, 4711, 8)
		s.Mark(slot, Mark{Told: true})
		r, used := s.read(slot)
		if want := (Record{slot, 1000 + g, 5, true, 4711, 8, Mark{Told: true}}); !used || !reflect.DeepEqual(r, want) {
			t.Fatalf("written %+v, read %+v, %t", want, r, used)
		}
		if g%2 == 0 {
			s.Free(slot)
		}
	}
	if n := len(s.Records()); n != len(before)+35 {
		t.Fatalf("%d records of %d and 35", n, len(before))
	}
}
