package state

import (
	"encoding/binary"
	"math"
	"unsafe"
)

// Service is what is kept of the service besides its workers. Every field is
// made of words of 64 bits, and they are in the file in this order. Fields are
// only ever added at the end; one that an older availd did not write reads as 0.
type Service struct {
	Generation  uint64 // of the last start
	RolledUpTo  uint64 // workers up to this generation are to be replaced
	Command     uint64 // what the workers run and are handed, see Fingerprint
	StressUntil int64
	LastWarning int64
	Throttled   int64 // 1 = yes
	ThrottleDue int64
	ThrottleGap int64 // the next pause, ns
	ThrottleGen uint64
	CauseWhy    int64
	CauseCode   int64
	CauseSignal int64
	Started     int64 // wall clock, ns since 1970
	Healthy     int64 // 1 = a worker of the service has done well
	Rejected    uint64
	Counters    [16]uint64
	TurnedAway  uint64 // connections of clients that had enough

	Exits            [5]uint64 // by reason
	Requests, Starts Histogram

	Reported int64 // 1 = a worker has reported, so that nothing is inferred
	Startup  int64 // from a start to its first connection, ns
	Calm     int64 // windows between two attempts to shrink

	Demand [DemandWords]uint64 // of the last day

	Program uint64 // of which Reported, Startup, Calm and Healthy are known; 0 = not written

	StressUpTo uint64 // workers up to this generation are to be restarted for stress

	Waits Histogram // of connections until they were accepted

	Need uint64 // workers that a full pool should have had, and when: Demand.NeedWord

	Abandoned uint64 // clients that hung up while they waited

	Sets [SetMost]Set // values of availd set, in no order

	TemplateFailures uint64
}

// SetMost is how many options can have a value of availd set at once.
const SetMost = 8

// Set is the value that availd set has given an option, all in numbers: package config knows
// what they stand for. Option 0 = none.
type Set struct {
	Option, Given uint64
	Value         int64
}

const serviceWords = unsafe.Sizeof(Service{}) / 8

// words are the fields of s in their order in the file.
func (s *Service) words() *[serviceWords]uint64 { return (*[serviceWords]uint64)(unsafe.Pointer(s)) }

// known is how many of the words a copy has room for: one that an older availd
// made has fewer.
func (f *File) known() int { return min(int(serviceWords), (f.service-16)/8) }

// SetService writes the service record into the older of the two copies, so
// that the other is there whatever happens meanwhile. What an older availd made
// no room for is not kept.
func (f *File) SetService(s Service) {
	f.seq++
	c := f.copyAt(int(f.seq & 1))
	binary.LittleEndian.PutUint64(c[8:], f.seq)
	for i, w := range s.words()[:f.known()] {
		binary.LittleEndian.PutUint64(c[16+8*i:], w)
	}
	binary.LittleEndian.PutUint32(c[0:], checksum(c[8:]))
}

// Service returns the newest service record; false: there is none.
func (f *File) Service() (s Service, ok bool) {
	for i := range 2 {
		c := f.copyAt(i)
		seq := binary.LittleEndian.Uint64(c[8:])
		if seq <= f.seq && ok || seq == 0 || seq == math.MaxUint64 || // no number follows the largest
			binary.LittleEndian.Uint32(c[0:]) != checksum(c[8:]) {
			continue
		}
		ok, f.seq = true, seq
		for i := range f.known() {
			s.words()[i] = binary.LittleEndian.Uint64(c[16+8*i:])
		}
	}
	return s, ok
}

func (f *File) copyAt(i int) []byte {
	from := headerSize + i*f.service
	return f.memory[from : from+f.service]
}
