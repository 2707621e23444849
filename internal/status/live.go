package status

// This file has what a live view on a terminal shows of a service as the texts of this package
// do; see view.go for what other forms than text have, too.

// Heading is the tone of titles.
const Heading Tone = "heading"

// Paint colours a text, which may come from anybody, by what it means, and makes it printable.
func (st Style) Paint(text string, t Tone) string {
	if t == Heading {
		return st.paint(text, title)
	}
	for p, tone := range tones {
		if tone == t {
			return st.paint(text, p)
		}
	}
	return st.paint(text, plain)
}

// Bar shows how much of the limit is taken, in at most so many columns, at least 12.
func Bar(s *Service, columns int, st Style) string { return bar(*s, columns, st) }

// Summary is all conditions of a service in one text, with the times of day or without, and
// the tone of the worst.
func Summary(s *Service, times bool) (text string, t Tone) {
	c := summary(conditions(*s), times)
	return c.text, c.paint.Tone()
}

// Numbers are how many workers there are in each state, and the limit, in one text.
func Numbers(s *Service) string { return numbers(*s) }

// LimitCell is the limit, and the configured one in brackets where that is another.
func LimitCell(s *Service) string { return limitCell(*s) }

// SetText is all values of availd set in one text, "" if there are none.
func SetText(s *Service) string { return setText(s.Set) }

// StateTone is that of a worker's state.
func StateTone(s *Service, state string) Tone {
	for _, p := range parts(*s) {
		if p.word == state {
			return p.paint.Tone()
		}
	}
	return Plain
}
