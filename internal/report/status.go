package report

import (
	"unicode"
	"unicode/utf8"

	"github.com/availd/availd/worker"
)

// sanitise turns a worker's text into one that may be shown: at most
// worker.MaxStatus bytes, cut between characters, with a question mark for
// every byte that is not UTF-8 and every character that does not print.
// Control characters would let a worker drive the operator's terminal, and
// invisible ones (bidirectional marks) let a line read as another.
func sanitise(text []byte) string {
	var buf [worker.MaxStatus]byte
	out := buf[:0]
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		text = text[size:]
		if (r == utf8.RuneError && size == 1) || !unicode.IsPrint(r) {
			r = '?'
		}
		if len(out)+utf8.RuneLen(r) > cap(out) {
			break
		}
		out = utf8.AppendRune(out, r)
	}
	return string(out)
}
