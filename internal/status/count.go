package status

import (
	"encoding/json"
	"strconv"
)

// Count is a number of workers that may be unknown: of programs that do not report
// nobody knows which of them are busy, as long as no client waits. It is null in JSON.
type Count int

// UnknownCount is a Count that nobody knows.
const UnknownCount Count = -1

// Known is the number, 0 for one that is not known.
func (c Count) Known() int { return max(0, int(c)) }

// String is the number, or a question mark.
func (c Count) String() string {
	if c < 0 {
		return "?"
	}
	return strconv.Itoa(int(c))
}

// MarshalJSON implements json.Marshaler.
func (c Count) MarshalJSON() ([]byte, error) {
	if c < 0 {
		return []byte("null"), nil
	}
	return strconv.AppendInt(nil, int64(c), 10), nil
}

// UnmarshalJSON implements json.Unmarshaler. A negative number is no number of workers,
// and stays what it is, so that whoever reads the document can tell.
func (c *Count) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*c = UnknownCount
		return nil
	}
	var n int
	if err := json.Unmarshal(text, &n); err != nil {
		return err
	}
	if *c = Count(n); n < 0 {
		*c = Count(min(n, -2))
	}
	return nil
}

// Unknown is how many workers are idle or busy where nobody knows which.
func (s *Service) Unknown() int {
	if s.Idle != UnknownCount && s.Busy != UnknownCount {
		return 0
	}
	return s.Total - s.Starting - s.Retiring - s.Idle.Known() - s.Busy.Known()
}
