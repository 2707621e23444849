package board

import (
	"encoding/binary"
	"math/bits"
	"runtime"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/worker"

	"github.com/availd/availd/internal/testutil"
)

// FuzzLook has a worker write anything anywhere on the board and the eventfd between the
// calls of availd, and looks that availd believes nothing but bits of slots that count,
// tells each change once, and returns.
func FuzzLook(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add([]byte("\x00\x01\x00\x01\x00\x00\x02\x00\x00\x04\x00\x00"))
	f.Add([]byte("\x00\x3f\x00\x00\x40\x00\x03\x80\xff\x02\x00\x00\x01\x3f\x00\x02\x00\x00\x03\xff\xff\x05\x00\x00\x02\x00\x00"))
	f.Add([]byte("\x03\x00\x00\x03\x00\x40\x03\x00\x80\x03\x02\x80\x00\x07\x00\x02\x00\x00\x06\x07\x00\x02\x00\x00"))
	f.Add([]byte("\x00\xff\x0f\x03\x81\x01\x02\x00\x00\x04\x00\x00\x05\x01\x00\x07\x00\x00\x02\x00\x00"))
	boards := make(chan *Board, runtime.GOMAXPROCS(0)) // of which each execution has one
	for range cap(boards) {
		boards <- create(f)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		b := <-boards
		defer func() { boards <- b }()
		clear(b.memory)
		copy(b.memory, header())
		b.counted, b.seen = [words]uint64{}, [words]uint64{}
		counted, idle := map[int]bool{}, map[int]bool{}
		for ; len(data) >= 3; data = data[3:] {
			at := int(binary.LittleEndian.Uint16(data[1:]))
			slot := at % Slots
			switch data[0] & 7 {
			case 0:
				b.Prepare(slot)
				counted[slot] = true
				delete(idle, slot)
				if b.Owner(slot) != 0 || b.Turns(slot) != 0 || b.Idle(slot) {
					t.Fatalf("slot %d is not empty", slot)
				}
			case 1:
				b.Forget(slot)
				delete(counted, slot)
				delete(idle, slot)
			case 2:
				looked(t, b, counted, idle)
			case 3: // any word of the board
				place := int(uint(data[0])>>3|uint(at)<<3) * 8 % worker.BoardSize
				binary.NativeEndian.PutUint64(b.memory[place:], uint64(at)*0x9e3779b97f4a7c15|uint64(data[1]))
			case 4:
				b.memory[0], b.memory[1] = data[1], data[2]
				for n := 2; n < len(b.memory); n *= 2 {
					copy(b.memory[n:], b.memory[:n])
				}
			case 5:
				_, _ = unix.Write(b.WakeFD(), binary.NativeEndian.AppendUint64(nil, uint64(at)))
				_ = unix.SetNonblock(b.WakeFD(), at&1 != 0)
			case 6:
				b.idle[slot/64] |= bit(slot)
			default:
				b.ClearWake()
				b.WakeOnChange(at&1 != 0)
			}
		}
		looked(t, b, counted, idle)
		if b.WakeOnChange(false); b.memory[worker.BoardCall] != 0 {
			t.Fatal("it is still asked for wake events")
		}
	})
}

// looked looks, and keeps in idle what was told of the slots.
func looked(t *testing.T, b *Board, counted, idle map[int]bool) {
	freed, taken := b.Look()
	for _, slot := range freed {
		if !counted[slot] || idle[slot] {
			t.Fatalf("slot %d became idle: counted %t, idle before %t", slot, counted[slot], idle[slot])
		}
		idle[slot] = true
	}
	for _, slot := range taken {
		if !counted[slot] || !idle[slot] {
			t.Fatalf("slot %d became busy: counted %t, idle before %t", slot, counted[slot], idle[slot])
		}
		delete(idle, slot)
	}
	if b.Dip() < 0 || b.Dip() > Slots || !slices.IsSorted(freed) || !slices.IsSorted(taken) {
		t.Fatalf("dip %d, freed %v, taken %v", b.Dip(), freed, taken)
	}
	n := 0
	for _, word := range b.seen {
		n += bits.OnesCount64(word)
	}
	for slot := range idle {
		if !b.Idle(slot) {
			t.Fatalf("slot %d is not idle, and that it is was told", slot)
		}
		_, _ = b.Owner(slot), b.Turns(slot)
	}
	if n != len(idle) {
		t.Fatalf("%d are idle, of %d it was told", n, len(idle))
	}
	if b.AnyIdle() != (len(idle) > 0) {
		t.Fatalf("any idle is %t, %d were told", b.AnyIdle(), len(idle))
	}
}
