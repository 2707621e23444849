package spawn

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// block is memory outside Go's heap and stacks: what is in it stays where it
// is, and the collector does not look at it. It is used again for every start.
type block struct {
	bytes []byte
	used  int
}

const blockSize = 64 << 10

// renew forgets what is in the block, and makes room for n bytes.
func (b *block) renew(n int) error {
	b.used = 0
	if n <= len(b.bytes) {
		return nil
	}
	size := (n + blockSize - 1) / blockSize * blockSize
	bytes, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	b.unmap()
	b.bytes = bytes
	return nil
}

// unmap gives the memory back. No child may use it any more.
func (b *block) unmap() {
	if b.bytes != nil {
		_ = unix.Munmap(b.bytes)
		b.bytes = nil
	}
}

// take gives out n bytes, which may hold something old.
func (b *block) take(n int) []byte {
	taken := b.bytes[b.used : b.used+n]
	b.used += n
	return taken
}

// words gives out n words that are 0.
func (b *block) words(n int) []uintptr {
	b.used = (b.used + wordSize - 1) &^ (wordSize - 1)
	bytes := b.take(n * wordSize)
	clear(bytes)
	return unsafe.Slice((*uintptr)(unsafe.Pointer(unsafe.SliceData(bytes))), n)
}

const wordSize = int(unsafe.Sizeof(uintptr(0)))

// text writes a string for C, with room for more bytes at its end, which are
// 0, and returns where it is.
func (b *block) text(s string, more int) uintptr {
	bytes := b.take(len(s) + more + 1)
	clear(bytes[copy(bytes, s):])
	return address(bytes)
}

// vector writes strings for C, and after them the addresses of others.
func (b *block) vector(list []string, others ...uintptr) uintptr {
	words := b.words(len(list) + len(others) + 1)
	for i, s := range list {
		words[i] = b.text(s, 0)
	}
	copy(words[len(list):], others)
	return address(words)
}

// vectorSize is how many bytes vector takes at most.
func vectorSize(list []string, others int) int {
	n := (len(list) + others + 2) * wordSize
	for _, s := range list {
		n += len(s) + 1
	}
	return n
}

func address[T any](s []T) uintptr { return uintptr(unsafe.Pointer(unsafe.SliceData(s))) }
