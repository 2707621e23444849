package state

import "encoding/binary"

// Service is what is kept of the service besides its workers. Fields are only
// ever added at the end; one that an older availd did not write reads as 0.
type Service struct {
	Generation  uint64 // of the last birth
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
}

// words lists the fields in their order in the file.
func (s *Service) words() []any {
	w := []any{
		&s.Generation, &s.RolledUpTo, &s.Command, &s.StressUntil, &s.LastWarning, &s.Throttled,
		&s.ThrottleDue, &s.ThrottleGap, &s.ThrottleGen, &s.CauseWhy, &s.CauseCode, &s.CauseSignal,
		&s.Started, &s.Healthy, &s.Rejected,
	}
	for i := range s.Counters {
		w = append(w, &s.Counters[i])
	}
	w = append(w, &s.TurnedAway)
	return w
}

// SetService writes the service record into the older of the two copies, so
// that the other is there whatever happens meanwhile.
func (f *File) SetService(s Service) {
	f.seq++
	c := f.copyAt(int(f.seq & 1))
	binary.LittleEndian.PutUint64(c[8:], f.seq)
	at := 16
	for _, w := range s.words() {
		switch v := w.(type) {
		case *uint64:
			binary.LittleEndian.PutUint64(c[at:], *v)
		case *int64:
			binary.LittleEndian.PutUint64(c[at:], uint64(*v))
		}
		at += 8
	}
	binary.LittleEndian.PutUint32(c[0:], checksum(c[8:]))
}

// Service returns the newest service record; false: there is none.
func (f *File) Service() (s Service, ok bool) {
	for i := range 2 {
		c := f.copyAt(i)
		seq := binary.LittleEndian.Uint64(c[8:])
		if seq <= f.seq && ok || seq == 0 || binary.LittleEndian.Uint32(c[0:]) != checksum(c[8:]) {
			continue
		}
		ok, f.seq = true, seq
		at := 16
		for _, w := range s.words() {
			switch v := w.(type) {
			case *uint64:
				*v = binary.LittleEndian.Uint64(c[at:])
			case *int64:
				*v = int64(binary.LittleEndian.Uint64(c[at:]))
			}
			at += 8
		}
	}
	return s, ok
}

func (f *File) copyAt(i int) []byte {
	from := headerSize + i*serviceSize
	return f.memory[from : from+serviceSize]
}
