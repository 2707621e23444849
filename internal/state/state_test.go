package state

import (
	"encoding/binary"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

var update = flag.Bool("update", false, "write the golden state of this version")

func mustCreate(t *testing.T) *File {
	t.Helper()
	f, err := Create()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// again opens what f wrote, as the next process would.
func again(t *testing.T, f *File) *File {
	t.Helper()
	fd, err := unix.FcntlInt(uintptr(f.FD()), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	return g
}

func sample(t *testing.T, f *File) (Service, []Record) {
	t.Helper()
	s := Service{
		Generation: 9, RolledUpTo: 4, Command: 77, StressUntil: 5, LastWarning: -1 << 63, Throttled: 1, ThrottleDue: 8,
		ThrottleGap: 2, ThrottleGen: 6, CauseWhy: 3, CauseCode: 1, CauseSignal: 11, Started: 99, Healthy: 1, Rejected: 12,
	}
	for i := range s.Counters {
		s.Counters[i] = uint64(100 + i)
	}
	s.TurnedAway, s.Exits[4], s.Requests.Counts[0], s.Starts = 13, 14, 15, Histogram{Sum: -1}
	f.SetService(Service{Generation: 1})
	f.SetService(s)
	var want []Record
	for g := uint64(1); g <= 3; g++ {
		slot, err := f.Intend(g, int64(g*1000), g == 2)
		if err != nil {
			t.Fatal(err)
		}
		r := Record{Slot: slot, Generation: g, Started: int64(g * 1000), Stress: g == 2}
		if g < 3 { // the third is only intended
			f.Started(slot, int(4000+g), 555*g)
			r.PID, r.Start = int(4000+g), 555*g
			r.Mark = Mark{State: 2, Retiring: g == 1, Taken: true, Held: 7, Finished: 1 << 30}
			f.Mark(slot, r.Mark)
		}
		want = append(want, r)
	}
	return s, want
}

func check(t *testing.T, f *File, s Service, want []Record) {
	t.Helper()
	if got, ok := f.Service(); !ok || got != s {
		t.Errorf("service %+v %t\nwant    %+v", got, ok, s)
	}
	if got := f.Records(); !reflect.DeepEqual(got, want) {
		t.Errorf("records %+v\nwant    %+v", got, want)
	}
}

func TestRoundTrip(t *testing.T) {
	f := mustCreate(t)
	s, want := sample(t, f)
	g := again(t, f)
	check(t, g, s, want)
	s.Generation++
	g.SetService(s) // goes on with the sequence, in the other copy
	h := again(t, f)
	check(t, h, s, want)
	slot, err := h.Intend(10, 1, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range want {
		if r.Slot == slot {
			t.Error("a slot in use was given away")
		}
	}
}

func TestGrowth(t *testing.T) {
	f := mustCreate(t)
	for g := uint64(1); g <= 5*firstSlots; g++ {
		slot, err := f.Intend(g, 0, false)
		if err != nil {
			t.Fatal(err)
		}
		f.Started(slot, int(g), g)
	}
	if n := len(again(t, f).Records()); n != 5*firstSlots {
		t.Errorf("%d records", n)
	}
	for _, r := range f.Records() {
		f.Free(r.Slot)
	}
	if n := len(again(t, f).Records()); n != 0 {
		t.Errorf("%d records after all were freed", n)
	}
}

// TestTorn interrupts every write at every byte: what is read is the old value
// or the new one, never a mixture.
func TestTorn(t *testing.T) {
	f := mustCreate(t)
	s, want := sample(t, f)
	before := append([]byte{}, f.memory...)
	next := s
	next.Generation, next.Rejected, next.TurnedAway = 10, 13, 14
	f.SetService(next)
	slot, _ := f.Intend(10, 7, true)
	f.Started(slot, 4010, 1234)
	after := append([]byte{}, f.memory...)
	for cut := range before {
		mixed := append(append([]byte{}, after[:cut]...), before[cut:]...)
		copy(f.memory, mixed)
		g := &File{fd: -1, memory: f.memory, slots: f.slots, slotSize: slotSize, service: f.service}
		if got, ok := g.Service(); !ok || got != s && got != next {
			t.Fatalf("cut at %d: service %+v", cut, got)
		}
		for _, r := range g.Records() {
			if r.Generation == 10 && (r.Started != 7 || r.PID != 0 && (r.PID != 4010 || r.Start != 1234)) {
				t.Fatalf("cut at %d: record %+v", cut, r)
			}
			if r.Generation < 10 && r != want[r.Generation-1] {
				t.Fatalf("cut at %d: record %+v", cut, r)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func([]byte)
		want  error
	}{
		{"magic", func(b []byte) { b[9] ^= 1 }, ErrCorrupt},
		{"checksum", func(b []byte) { b[0] ^= 1 }, ErrCorrupt},
		{"version", func(b []byte) {
			binary.LittleEndian.PutUint32(b[16:], 2)
			binary.LittleEndian.PutUint32(b, checksum(b[8:headerSize]))
		}, ErrVersion},
		{"slot size", func(b []byte) {
			binary.LittleEndian.PutUint32(b[20:], 8)
			binary.LittleEndian.PutUint32(b, checksum(b[8:headerSize]))
		}, ErrCorrupt},
	} {
		f := mustCreate(t)
		c.spoil(f.memory)
		fd, _ := unix.Dup(f.FD())
		if _, err := Open(fd); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0); err == nil {
			t.Errorf("%s: the descriptor is still open", c.name)
		}
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	fd, _ := unix.Dup(int(r.Fd()))
	if _, err := Open(fd); err == nil {
		t.Error("a pipe was taken for a state")
	}
}

// TestSealed: nobody cuts what is mapped, nor seals it so that it cannot grow; also if an
// earlier availd has made it, which sealed nothing.
func TestSealed(t *testing.T) {
	f := mustCreate(t)
	area, err := CreateArea("area", 4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(area.Close)
	unsealed := func(size int64) int {
		fd, err := unix.MemfdCreate("earlier", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
		if err == nil {
			err = unix.Ftruncate(fd, size)
		}
		if err != nil {
			t.Fatal(err)
		}
		return fd
	}
	earlier, err := OpenArea(unsealed(4096), 4096)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(earlier.Close)
	fd := unsealed(int64(len(f.memory)))
	if _, err := unix.Pwrite(fd, f.memory, 0); err != nil {
		t.Fatal(err)
	}
	g, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Close)
	for what, fd := range map[string]int{"a state": f.FD(), "one of before": g.FD(), "an area": area.FD, "an area of before": earlier.FD} {
		if err := unix.Ftruncate(fd, 0); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s can be cut: %v", what, err)
		}
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_GROW); !errors.Is(err, unix.EPERM) {
			t.Errorf("%s can be kept from growing: %v", what, err)
		}
	}
	for i := range uint64(10 * firstSlots) {
		for _, f := range []*File{f, g} {
			if _, err := f.Intend(i+1, 0, false); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestCopy: the copy for a trial can be read and not changed.
func TestCopy(t *testing.T) {
	f := mustCreate(t)
	s, want := sample(t, f)
	fd, err := f.Copy()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Pwrite(fd, []byte{1}, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("the copy can be written: %v", err)
	}
	if err := unix.Ftruncate(fd, 0); !errors.Is(err, unix.EPERM) {
		t.Errorf("the copy can be cut: %v", err)
	}
	g, err := View(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	check(t, g, s, want)
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		if strings.Contains(line, "memfd:availd.trial") && !strings.Contains(line, " r--p ") {
			t.Errorf("Linux 5.15 would not map the copy like this: %s", line)
		}
	}
}

// TestEarlierRelease reads the state that the first release wrote.
func TestEarlierRelease(t *testing.T) {
	golden := filepath.Join("testdata", "v1.state")
	f := mustCreate(t)
	s, want := sample(t, f)
	if *update {
		if err := os.WriteFile(golden, f.memory, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	fd, err := unix.MemfdCreate("golden", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Write(fd, data); err != nil {
		t.Fatal(err)
	}
	g, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	s.TurnedAway, s.Exits, s.Requests, s.Starts = 0, [5]uint64{}, Histogram{}, Histogram{} // not kept then
	check(t, g, s, want)
	s.Generation++
	g.SetService(s)
	check(t, g, s, want)
}

// TestLongerSlots: a later version may add to a slot.
func TestLongerSlots(t *testing.T) {
	f := mustCreate(t)
	s, want := sample(t, f)
	fd, err := unix.MemfdCreate("longer", unix.MFD_CLOEXEC)
	if err != nil {
		t.Fatal(err)
	}
	long := append([]byte{}, f.memory[:headerSize+2*f.service]...)
	for i := range f.slots {
		long = append(append(long, f.slot(i)...), make([]byte, 64)...)
	}
	binary.LittleEndian.PutUint32(long[20:], slotSize+64)
	binary.LittleEndian.PutUint32(long, checksum(long[8:headerSize]))
	if _, err := unix.Write(fd, long); err != nil {
		t.Fatal(err)
	}
	g, err := Open(fd)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	check(t, g, s, want)
}

func TestNoAllocations(t *testing.T) {
	f := mustCreate(t)
	slot, _ := f.Intend(1, 0, false)
	if n := testing.AllocsPerRun(100, func() { f.Mark(slot, Mark{State: 1}) }); n != 0 {
		t.Errorf("%v allocations per mark", n)
	}
}

// TestServiceIsWords: the record is written as it lies in memory, word by word.
func TestServiceIsWords(t *testing.T) {
	kind := reflect.TypeFor[Service]()
	var words func(reflect.Type) int
	words = func(of reflect.Type) int {
		switch of.Kind() {
		case reflect.Uint64, reflect.Int64:
			return 1
		case reflect.Array:
			return of.Len() * words(of.Elem())
		case reflect.Struct:
			n := 0
			for i := range of.NumField() {
				n += words(of.Field(i).Type)
			}
			return n
		}
		t.Errorf("%v is no word of 64 bits", of)
		return 0
	}
	if n := words(kind); n != int(serviceWords) || 16+8*n > serviceSize {
		t.Errorf("%d words, in memory %d, and %d bytes for them", n, serviceWords, serviceSize-16)
	}
	f, err := Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if n := testing.AllocsPerRun(100, func() { f.SetService(Service{Generation: 1}) }); n != 0 {
		t.Errorf("%v allocations to write it", n)
	}
}
