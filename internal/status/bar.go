package status

import "strings"

// part is the workers in one state, as a bar shows them.
type part struct {
	n    int
	mark string
	word string
	paint
}

// parts are the states that hold a slot.
func parts(s Service) []part {
	busy := good
	if s.FullSince != nil {
		busy = bad
	}
	return []part{
		{s.Busy.Known(), "#", "busy", busy},
		{s.Idle.Known(), "=", "idle", plain},
		{max(0, s.Unknown()), "?", "unknown", plain},
		{s.Starting, "+", "starting", fresh},
		{s.Retiring, "-", "retiring", going},
	}
}

// bar shows how much of the limit is taken, in at most so many columns: a cell
// a worker where that fits, else in proportion, and whoever is there is seen.
func bar(s Service, columns int, st Style) string {
	whole := max(s.Limit, s.Total, s.Busy.Known()+s.Idle.Known()+max(0, s.Starting)+max(0, s.Retiring))
	if whole == 0 {
		return "[]"
	}
	cells := min(whole, max(columns-2, 10))
	var b strings.Builder
	b.WriteByte('[')
	left := cells
	for _, p := range shares(parts(s), whole, cells) {
		b.WriteString(st.paint(strings.Repeat(p.mark, max(0, p.n)), p.paint))
		left -= p.n
	}
	b.WriteString(st.paint(strings.Repeat(".", max(0, left)), faint) + "]")
	return b.String()
}

// shares turns numbers of whole into numbers of cells. It rounds the sums, so
// that a full pool has no free cell.
func shares(all []part, whole, cells int) []part {
	sum, end, taken, largest := 0, 0, 0, 0
	for i, p := range all {
		sum += p.n
		n := sum*cells/whole - end
		end += n
		if p.n > 0 {
			n = max(1, n)
		}
		all[i].n = n
		taken += n
		if n > all[largest].n {
			largest = i
		}
	}
	all[largest].n -= max(0, taken-cells)
	return all
}
