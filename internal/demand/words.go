package demand

import "time"

// Words is the number of words that a window takes where it is kept.
const Words = 2 + hours

// An hour is one word: fullBits hold its nanoseconds, the others the peak.
const (
	fullBits = 42
	most     = 1<<(64-fullBits) - 1
)

// Words returns the window in a form that can be kept.
func (w Window) Words() (kept [Words]uint64) {
	kept[0], kept[1] = uint64(w.Newest), uint64(w.Level)
	for i, h := range w.Hours {
		kept[2+i] = uint64(min(h.Peak, most))<<fullBits | uint64(h.Full)
	}
	return kept
}

// Kept returns the window that Words was asked for. All zero is the zero window.
func Kept(kept [Words]uint64) (w Window) {
	w.Newest, w.Level = int64(kept[0]), int(kept[1])
	for i := range w.Hours {
		word := kept[2+i]
		w.Hours[i] = Hour{Peak: int(word >> fullBits), Full: time.Duration(word & (1<<fullBits - 1))}
	}
	return w
}
