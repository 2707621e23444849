package testutil

import (
	"math"
	"math/rand/v2"
	"reflect"
	"regexp"
	"slices"
)

// A mutator makes inputs of inputs.
type mutator struct {
	random *rand.Rand
	seeds  [][]any
	words  []string
}

// mutate returns a copy of the arguments with one to eight changes, mostly few.
func (m *mutator) mutate(args []reflect.Value) []reflect.Value {
	args = slices.Clone(args)
	changes := 1 + m.random.IntN(1<<m.random.IntN(4))
	for range changes {
		i := m.random.IntN(len(args))
		args[i] = m.change(args[i], i)
	}
	return args
}

// change returns another value of the same kind, for the argument at a place.
func (m *mutator) change(v reflect.Value, place int) reflect.Value {
	changed := reflect.New(v.Type()).Elem()
	switch v.Kind() {
	case reflect.String:
		changed.SetString(string(m.text([]byte(v.String()), place)))
	case reflect.Slice:
		changed.SetBytes(m.text(slices.Clone(v.Bytes()), place))
	case reflect.Bool:
		changed.SetBool(!v.Bool())
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		changed.SetInt(int64(m.number(uint64(v.Int())))) // cut to its size
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		changed.SetUint(m.number(v.Uint()))
	default:
		panic("no mutation of " + v.Type().String())
	}
	return changed
}

// corners are the numbers at which programs go wrong.
var corners = []uint64{
	0, 1, 2, 7, 8, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1000, 1024, 4095, 4096, 32767, 32768, 65535, 65536,
	math.MaxInt32, 1 << 31, math.MaxUint32, 1 << 32, math.MaxInt64, 1 << 63, math.MaxUint64, math.MaxUint64 - 1,
}

func (m *mutator) number(n uint64) uint64 {
	switch m.random.IntN(5) {
	case 0:
		return corners[m.random.IntN(len(corners))]
	case 1:
		return -n
	case 2:
		return n ^ 1<<m.random.IntN(64)
	case 3:
		return m.random.Uint64() >> m.random.IntN(64)
	default:
		return n + uint64(m.random.IntN(65)) - 32
	}
}

// longest is what an input grows to, or to twice the seed.
const longest = 1024

// text changes b, which it may use for the result.
func (m *mutator) text(b []byte, place int) []byte {
	most := max(longest, 2*len(b))
	if len(b) == 0 {
		b = append(b, m.piece(place)...)
		return b[:min(len(b), most)]
	}
	at := m.random.IntN(len(b))
	switch m.random.IntN(12) {
	case 0:
		b[at] ^= 1 << m.random.IntN(8)
	case 1:
		b[at] = byte(m.random.Uint32())
	case 2:
		b[at] += byte(m.random.IntN(65)) - 32
	case 3: // a number, in either order, over what is there
		n, big := m.number(uint64(b[at])), m.random.IntN(2)
		size := 1 << m.random.IntN(4)
		for i := range min(size, len(b)-at) {
			shift := i
			if big == 1 {
				shift = size - 1 - i
			}
			b[at+i] = byte(n >> (8 * shift))
		}
	case 4: // a part is removed
		return slices.Delete(b, at, at+m.span(len(b)-at))
	case 5: // a part is doubled, once or often
		part := slices.Clone(b[at : at+m.span(len(b)-at)])
		for range 1 << m.random.IntN(6) {
			b = slices.Insert(b, at, part...)
			if len(b) > most {
				break
			}
		}
	case 6: // two parts change places
		from := m.random.IntN(len(b))
		n := min(m.span(len(b)-at), len(b)-from)
		part := slices.Clone(b[from : from+n])
		copy(b[from:], b[at:at+n])
		copy(b[at:], part)
	case 7, 8:
		b = slices.Insert(b, at, m.piece(place)...)
	case 9:
		b = slices.Replace(b, at, at+m.span(len(b)-at), m.piece(place)...)
	case 10: // the beginning of this, the end of another
		if other := m.other(place); len(other) > 0 {
			b = append(b[:at], other[m.random.IntN(len(other)):]...)
		}
	default:
		b = append(b[:at], b[:at+m.span(len(b)-at)]...)
	}
	return b[:min(len(b), most)]
}

// span is the length of a part, of at most n bytes, and mostly short.
func (m *mutator) span(n int) int { return min(n, 1+m.random.IntN(1<<m.random.IntN(8))) }

// piece is something to be put in: a word of the seeds, the digits of a number, a part of
// another seed, or random bytes.
func (m *mutator) piece(place int) []byte {
	switch m.random.IntN(5) {
	case 0, 1:
		if len(m.words) > 0 {
			return []byte(m.words[m.random.IntN(len(m.words))])
		}
	case 2:
		return digits(m.number(uint64(m.random.IntN(100))), m.random.IntN(4))
	case 3:
		if other := m.other(place); len(other) > 0 {
			at := m.random.IntN(len(other))
			return other[at : at+m.span(len(other)-at)]
		}
	}
	b := make([]byte, m.span(16))
	for i := range b {
		b[i] = byte(m.random.Uint32())
	}
	return b
}

// other is the text that another seed has at this place.
func (m *mutator) other(place int) []byte {
	switch v := m.seeds[m.random.IntN(len(m.seeds))][place].(type) {
	case string:
		return []byte(v)
	case []byte:
		return slices.Clone(v)
	}
	return nil
}

var words = regexp.MustCompile(`[0-9A-Za-z_]+|[^0-9A-Za-z_]`)

// dictionary is what the seeds are made of, in the order in which it comes: words, single
// bytes, and pairs of both.
func dictionary(seeds [][]any) (list []string) {
	seen := map[string]bool{}
	add := func(word string) {
		if len(word) <= 64 && !seen[word] && len(list) < 4096 {
			seen[word] = true
			list = append(list, word)
		}
	}
	for _, seed := range seeds {
		for _, v := range seed {
			text, is := v.(string)
			if b, bytes := v.([]byte); bytes {
				text, is = string(b), true
			}
			if !is {
				continue
			}
			parts := words.FindAllString(text[:min(len(text), 8192)], -1)
			for i, part := range parts {
				add(part)
				if i > 0 {
					add(parts[i-1] + part)
				}
			}
		}
	}
	return list
}
