package state

import (
	"encoding/binary"
	"math"
	"sync/atomic"
	"unsafe"
)

// Record is one worker.
type Record struct {
	Slot       int
	Generation uint64
	Started    int64
	Stress     bool
	PID        int    // 0: the start was intended; whether it happened is not known
	Start      uint64 // start time of the process in clock ticks, /proc/PID/stat field 22; 0 = not known
	Mark       Mark
}

// Mark is the part that changes with every report.
type Mark struct {
	State    uint8 // as the policy numbers it
	Retiring bool
	Told     bool
	Taken    bool
	Blamed   bool
	Aborted  bool
	Board    bool // it is heard on the availability board, or may be about to
	Held     uint16
	Finished uint32
}

func (m Mark) word() uint64 {
	return uint64(m.State) | bit(m.Retiring, 8) | bit(m.Taken, 9) | bit(m.Blamed, 10) | bit(m.Aborted, 11) | bit(m.Told, 12) | bit(m.Board, 13) |
		uint64(m.Held)<<16 | uint64(m.Finished)<<32
}

func bit(b bool, n uint) uint64 {
	if b {
		return 1 << n
	}
	return 0
}

func markOf(w uint64) Mark {
	return Mark{
		State: uint8(w), Retiring: w>>8&1 != 0, Taken: w>>9&1 != 0, Blamed: w>>10&1 != 0, Aborted: w>>11&1 != 0, Told: w>>12&1 != 0, Board: w>>13&1 != 0,
		Held: uint16(w >> 16), Finished: uint32(w >> 32),
	}
}

// Offsets in a slot.
const (
	intentSum  = 0 // checksum of 8 to 40; 0 = the slot is free
	intentFrom = 8
	intentTo   = 40
	spawnedSum = 40 // checksum of 48 to 64 and the generation
	startFrom  = 48
	startTo    = 64
	markWord   = 64
)

func (f *File) slot(i int) []byte {
	from := headerSize + 2*f.service + i*f.slotSize
	return f.memory[from : from+f.slotSize]
}

// Intend writes that a worker of that generation is about to be started, and
// returns its slot. On error nothing has changed.
func (f *File) Intend(generation uint64, started int64, stress bool) (int, error) {
	if len(f.free) == 0 {
		if err := f.grow(); err != nil {
			return -1, err
		}
	}
	i := f.free[len(f.free)-1]
	f.free = f.free[:len(f.free)-1]
	s := f.slot(i)
	clear(s)
	binary.LittleEndian.PutUint64(s[8:], generation)
	binary.LittleEndian.PutUint64(s[16:], uint64(started))
	binary.LittleEndian.PutUint64(s[24:], bit(stress, 0))
	binary.LittleEndian.PutUint32(s[intentSum:], checksum(s[intentFrom:intentTo])|1)
	return i, nil
}

func (f *File) grow() error {
	was := f.slots
	if err := f.resize(max(firstSlots, 2*was)); err != nil { // what was cut off has none
		return err
	}
	for i := f.slots - 1; i >= was; i-- {
		f.free = append(f.free, i)
	}
	return nil
}

// Started completes the intent: the process exists. It may be called again when its
// start is known.
func (f *File) Started(slot, pid int, start uint64) {
	s := f.used(slot)
	binary.LittleEndian.PutUint64(s[startFrom:], uint64(pid))
	binary.LittleEndian.PutUint64(s[startFrom+8:], start)
	binary.LittleEndian.PutUint32(s[spawnedSum:], startChecksum(s))
}

// Mark replaces the changing part, in one store that cannot be torn.
func (f *File) Mark(slot int, m Mark) {
	atomic.StoreUint64((*uint64)(unsafe.Pointer(&f.used(slot)[markWord])), m.word())
}

// Free ends a record: the worker is gone, or was not started.
func (f *File) Free(slot int) {
	binary.LittleEndian.PutUint32(f.used(slot)[intentSum:], 0)
	f.free = append(f.free, slot)
}

// Records returns the workers that are on record, in no order.
func (f *File) Records() []Record {
	var all []Record
	for i := range f.slots {
		if r, used := f.read(i); used {
			all = append(all, r)
		}
	}
	return all
}

func (f *File) read(i int) (Record, bool) {
	s := f.slot(i)
	sum := binary.LittleEndian.Uint32(s[intentSum:])
	if sum == 0 || sum != checksum(s[intentFrom:intentTo])|1 {
		return Record{}, false
	}
	r := Record{
		Slot: i, Generation: binary.LittleEndian.Uint64(s[8:]), Started: int64(binary.LittleEndian.Uint64(s[16:])),
		Stress: s[24]&1 != 0, Mark: markOf(atomic.LoadUint64((*uint64)(unsafe.Pointer(&s[markWord])))),
	}
	pid := binary.LittleEndian.Uint64(s[startFrom:])
	if binary.LittleEndian.Uint32(s[spawnedSum:]) == startChecksum(s) && pid <= math.MaxInt32 {
		r.PID = int(pid)
		r.Start = binary.LittleEndian.Uint64(s[startFrom+8:])
	}
	return r, true
}

// startChecksum is never 0, and belongs to this generation only.
func startChecksum(s []byte) uint32 {
	return checksum(s[intentFrom:intentFrom+8]) ^ checksum(s[startFrom:startTo]) | 1
}

func (f *File) used(slot int) []byte {
	s := f.slot(slot)
	if binary.LittleEndian.Uint32(s[intentSum:]) == 0 {
		panic("state: a slot that is not in use is written")
	}
	return s
}
