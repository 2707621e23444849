package state

import "time"

// DemandWords is the number of words that a window takes where it is kept.
const DemandWords = 2 + hours

// An hour is one word: fullBits hold its nanoseconds, the others the peak.
const (
	fullBits = 42
	most     = 1<<(64-fullBits) - 1
)

// DemandWords returns the window in a form that can be kept.
func (w Demand) Words() (kept [DemandWords]uint64) {
	kept[0], kept[1] = uint64(w.Newest), uint64(w.Level)
	for i, h := range w.Hours {
		kept[2+i] = uint64(min(h.Peak, most))<<fullBits | uint64(h.Full)
	}
	return kept
}

// NeedWord returns the largest need and its hour, which DemandWords leaves out.
func (w Demand) NeedWord() (kept uint64) {
	for n := max(w.Newest-int64(hours)+1, 0); n <= w.Newest; n++ {
		if need := w.Hours[n%int64(hours)].Need; need > 0 && uint64(need) >= kept>>32 {
			kept = uint64(need)<<32 | uint64(uint32(n))
		}
	}
	return kept
}

// KeepNeed takes over what NeedWord has returned.
func (w *Demand) KeepNeed(kept uint64) {
	n := int64(uint32(kept))
	if n <= w.Newest && n > w.Newest-int64(hours) {
		w.Hours[n%int64(hours)].Need = int(kept >> 32 & most)
	}
}

// Kept returns the window that DemandWords was asked for. All zero is the zero window.
func KeptDemand(kept [DemandWords]uint64) (w Demand) {
	w.Newest, w.Level = int64(kept[0]), int(kept[1])
	for i := range w.Hours {
		word := kept[2+i]
		w.Hours[i] = Hour{Peak: int(word >> fullBits), Full: time.Duration(word & (1<<fullBits - 1))}
	}
	return w
}
