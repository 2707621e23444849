package top

// Decoder makes keys of the bytes that a terminal sends. A key without a letter is several,
// which come one after the other on a serial line. Its zero value is ready.
type Decoder struct{ begun []byte }

const escape = 0x1b

// mostSequence is how long the bytes of one key may be; what is longer is none.
const mostSequence = 16

// Feed returns the keys that are whole.
func (d *Decoder) Feed(sent []byte) (keys []Key) {
	for _, b := range sent {
		switch {
		case len(d.begun) == 0 && b != escape:
			if k := single(b); k != 0 {
				keys = append(keys, k)
			}
		case len(d.begun) == 1 && b == escape: // the first one was the key itself
			keys = append(keys, Escape)
		default:
			d.begun = append(d.begun, b)
			if isWhole(d.begun) {
				if k := sequences[string(d.begun[1:])]; k != 0 {
					keys = append(keys, k)
				}
				d.begun = d.begun[:0]
			}
		}
	}
	return keys
}

// Begun: a key is not whole yet, or it was Escape alone, which Flush decides.
func (d *Decoder) Begun() bool { return len(d.begun) > 0 }

// Flush ends the wait for the rest of a key.
func (d *Decoder) Flush() (keys []Key) {
	if len(d.begun) == 1 {
		keys = []Key{Escape}
	}
	d.begun = d.begun[:0]
	return keys
}

// isWhole reports whether a sequence is complete (ECMA-48, 5.4: a CSI ends with a byte from
// 0x40 on; SS3 is followed by one byte).
func isWhole(b []byte) bool {
	switch {
	case len(b) == 1:
		return false
	case len(b) >= mostSequence, b[1] != '[' && b[1] != 'O':
		return true
	case b[1] == 'O':
		return len(b) == 3
	}
	return len(b) > 2 && b[len(b)-1] >= 0x40 && b[len(b)-1] <= 0x7e
}

var sequences = map[string]Key{
	"[A": Up, "[B": Down, "OA": Up, "OB": Down,
	"[H": Home, "[F": End, "OH": Home, "OF": End,
	"[1~": Home, "[4~": End, "[7~": Home, "[8~": End, "[5~": PageUp, "[6~": PageDown,
}

// single is the key of one byte; 0 = none.
func single(b byte) Key {
	switch {
	case b == '\r', b == '\n':
		return Enter
	case b == 0x03:
		return Interrupt
	case b == 0x0c:
		return Redraw
	case b == 0x1a:
		return Suspend
	case b >= ' ' && b < 0x7f:
		return Key(b)
	}
	return 0
}
