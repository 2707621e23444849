package report

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/availd/availd/internal/testutil"
)

// channel is a status channel, as master(8) makes it.
func channel(t *testing.T) (ours, theirs int) {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = unix.Close(pair[0]), unix.Close(pair[1]) })
	return pair[0], pair[1]
}

func write(t *testing.T, fd int, b []byte) {
	t.Helper()
	if n, err := unix.Write(fd, b); err != nil || n != len(b) {
		t.Fatalf("write: %d, %v", n, err)
	}
}

// wire is what master_notify writes.
func wire(numbers ...int32) []byte {
	var b bytes.Buffer
	for _, n := range numbers {
		_ = binary.Write(&b, binary.NativeEndian, n)
	}
	return b.Bytes()
}

func TestRecords(t *testing.T) {
	ours, theirs := channel(t)
	var r Records
	if err := r.Read(ours); !errors.Is(err, ErrEmpty) {
		t.Errorf("nothing was written: %v", err)
	}
	write(t, theirs, wire(4711, 8, 0))
	write(t, theirs, wire(4711, -1, 1, -5, 0, 7))
	want := []Record{{4711, 8, 0}, {4711, 1<<32 - 1, 1}, {-5, 0, 7}}
	if err := r.Read(ours); err != nil || !slices.Equal(r.List, want) || r.Rest != 0 {
		t.Errorf("got %v and %d bytes, %v; want %v", r.List, r.Rest, err, want)
	}
	write(t, theirs, append(wire(4711, 8, 1), 1, 2, 3))
	if err := r.Read(ours); err != nil || !slices.Equal(r.List, []Record{{4711, 8, 1}}) || r.Rest != 3 {
		t.Errorf("a part of a record: got %v and %d bytes, %v", r.List, r.Rest, err)
	}
	write(t, theirs, wire(4711, 8, 0))
	if err := r.Read(ours); err != nil || !slices.Equal(r.List, []Record{{4711, 8, 0}}) {
		t.Errorf("after it: got %v, %v", r.List, err)
	}
	if err := unix.Shutdown(theirs, unix.SHUT_WR); err != nil {
		t.Fatal(err)
	}
	if err := r.Read(ours); !errors.Is(err, io.EOF) || len(r.List) != 0 {
		t.Errorf("shut down: got %v, %v", r.List, err)
	}
	if err := r.Read(-1); !errors.Is(err, unix.EBADF) {
		t.Errorf("no descriptor: %v", err)
	}
}

// TestRecordsBound: a flood is read in parts, none of which is lost.
func TestRecordsBound(t *testing.T) {
	ours, theirs := channel(t)
	for i := range int32(2*maxRecords + 1) {
		write(t, theirs, wire(i, 0, 0))
	}
	var r Records
	for got, want := 0, []int{maxRecords, maxRecords, 1}; len(want) > 0; want = want[1:] {
		if err := r.Read(ours); err != nil || len(r.List) != want[0] || r.List[0].PID != got {
			t.Fatalf("got %d records, %v; want %d", len(r.List), err, want[0])
		}
		got += want[0]
	}
}

// FuzzRecords: every byte is in a record or in the rest, whatever it is.
func FuzzRecords(base *testing.F) {
	f := testutil.Fuzz(base)
	f.Add(wire(1, 2, 0))
	f.Add(append(wire(1, 2, 1, 3, 4, 5), 6))
	f.Fuzz(func(t *testing.T, b []byte) {
		var r Records
		r.parse(b)
		if len(r.List)*recordSize+r.Rest != len(b) || r.Rest >= recordSize {
			t.Fatalf("%d bytes: %d records and %d", len(b), len(r.List), r.Rest)
		}
		var back []byte
		for _, x := range r.List {
			back = append(back, wire(int32(x.PID), int32(x.Generation), int32(x.Available))...)
		}
		if !bytes.Equal(back, b[:len(back)]) {
			t.Fatalf("%x is read as %v", b, r.List)
		}
	})
}
